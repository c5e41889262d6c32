import { createReadStream } from 'node:fs';
import fs from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import tar, { type Header } from 'tar-stream';
import { AxonError } from '../axon-error.ts';
import { type ArchiveFile, mayUnpackTo } from './archive-limits.ts';

async function isGzip(file: string): Promise<boolean> {
  const handle = await fs.open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

function bounded(
  source: AsyncIterable<Buffer>,
  most: number,
  name: string,
): () => AsyncGenerator<Buffer> {
  return async function* pass() {
    let bytes = 0;
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > most)
        throw new AxonError('UNSAFE_PACKAGE', `${name} unpacks to far more than its size.`);
      yield chunk;
    }
  };
}

/**
 * Gives the regular files of a tar or tar.gz archive to `each`, in order. Folders are skipped, links and
 * devices refused; nothing is written and no name is trusted here. What `each` leaves is drained.
 */
export async function readTar(
  file: string,
  label: string,
  each: (entry: ArchiveFile) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { size } = await fs.stat(file);
  const raw = createReadStream(file, { signal });
  const plain = (await isGzip(file)) ? raw.pipe(createGunzip()) : raw;
  raw.on('error', (error) => plain.destroy(error));
  const extract = tar.extract();
  const visit = async () => {
    for await (const entry of extract as AsyncIterable<TarEntry>) {
      await visitEntry(entry, label, each);
      entry.resume();
    }
  };
  try {
    await Promise.all([
      pipeline(bounded(plain, mayUnpackTo(size), label), extract, { signal }),
      visit(),
    ]);
  } catch (error) {
    if (error instanceof AxonError || signal.aborted) throw AxonError.from(error);
    const reason = error instanceof Error ? error.message : String(error);
    // Errors with a system call are the disk's; the rest is about the archive.
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw AxonError.from(error);
    throw new AxonError('INVALID_PACKAGE', `${label} is not a whole tar archive: ${reason}.`, {
      cause: error,
    });
  } finally {
    raw.destroy();
  }
}

type TarEntry = AsyncIterable<Buffer> & { readonly header: Header; resume(): unknown };

async function visitEntry(
  entry: TarEntry,
  label: string,
  each: (entry: ArchiveFile) => Promise<void>,
): Promise<void> {
  const { name, type, size = 0 } = entry.header;
  if (type === 'directory') return;
  if (type !== 'file' && type !== 'contiguous-file')
    throw new AxonError(
      'UNSAFE_PACKAGE',
      `${label}: ${JSON.stringify(name)} is a ${type ?? 'special file'}; only regular files are taken.`,
    );
  await each({ name, size, body: entry });
}
