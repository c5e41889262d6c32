import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';

export interface TarballEntry {
  readonly name: string;
  readonly data?: Buffer;
  readonly type?: 'file' | 'symlink' | 'link' | 'directory' | 'fifo';
  readonly linkname?: string;
}

/** Of all entries: an archive that is made twice is the same, whatever second it is. */
const mtime = new Date(0);

/** A .tar from entries exactly as given, hostile names too. */
export async function makeTar(entries: readonly TarballEntry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const { name, data = Buffer.alloc(0), type = 'file', linkname } of entries) {
    pack.entry(
      { name, type, mtime, size: data.length, ...(linkname === undefined ? {} : { linkname }) },
      data,
    );
  }
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** As `npm pack` makes it: everything below `package/`. */
export async function makeTgz(files: Readonly<Record<string, Buffer | string>>): Promise<Buffer> {
  const entries = Object.entries(files).map(([name, data]) => ({
    name: `package/${name}`,
    data: Buffer.from(data),
  }));
  return gzipSync(await makeTar(entries));
}
