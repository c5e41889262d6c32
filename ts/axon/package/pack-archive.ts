import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import tar, { type Pack } from 'tar-stream';
import { type ManifestFile, parseManifest } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import { manifestName, signatureName } from '../store/layout.ts';
import { byName } from './order.ts';
import { compressed, compressible, packedEnding } from './small-files.ts';

/** No times, owners or modes of this machine: the same package gives the same bytes everywhere. */
const fixed = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: new Date(0),
  uname: '',
  gname: '',
  type: 'file',
} as const;

export interface PackResult {
  readonly sha256: string;
  readonly size: number;
}

/** What one member is filled from. */
export type Fill = (add: AddMember) => Promise<void>;
export interface AddMember {
  bytes(name: string, bytes: Uint8Array | string): void;
  /** A file whose bytes must have this hash. */
  file(
    name: string,
    file: string,
    expected: Pick<ManifestFile, 'path' | 'size' | 'sha256'>,
  ): Promise<void>;
}

/** Writes the archive of a package, each file checked on the way. `out` must not exist. */
export function packArchive(
  dir: string,
  manifestYaml: string,
  signature: string | null,
  out: string,
  signal: AbortSignal,
): Promise<PackResult> {
  const { files } = parseManifest(manifestYaml).spec.format;
  const small = compressible(files);
  return writeTar(
    out,
    async (add) => {
      add.bytes(manifestName, manifestYaml);
      if (signature !== null) add.bytes(signatureName, signature);
      for (const file of [...files].sort(byName)) {
        const full = path.join(dir, ...file.path.split('/'));
        const packed = small.has(file.path) ? await packedBytes(full, file) : null;
        if (packed === null) await add.file(file.path, full, file);
        else add.bytes(file.path + packedEnding, packed);
      }
    },
    signal,
  );
}

async function packedBytes(full: string, file: ManifestFile): Promise<Uint8Array | null> {
  const bytes = await fs.promises.readFile(full);
  if (createHash('sha256').update(bytes).digest('hex') !== file.sha256) throw damaged(file.path);
  return compressed(bytes);
}

/** Writes a tar, reproducibly. What fails leaves no file. */
export async function writeTar(out: string, fill: Fill, signal: AbortSignal): Promise<PackResult> {
  // Open before anything can fail: a stream that opens the file itself may make it after it was removed.
  const handle = await fs.promises.open(out, 'wx');
  const pack = tar.pack();
  const hash = createHash('sha256');
  let size = 0;
  const counted = async function* (source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  const filling = async () => {
    try {
      await fill({
        bytes: (name, bytes) =>
          void pack.entry({ ...fixed, name, size: Buffer.byteLength(bytes) }, Buffer.from(bytes)),
        file: (name, full, expected) => addFile(pack, name, full, expected, signal),
      });
      pack.finalize();
    } catch (error) {
      pack.destroy(error as Error);
      throw error;
    }
  };
  const written = pipeline(pack as AsyncIterable<Buffer>, counted, handle.createWriteStream(), {
    signal,
  });
  const [filled, wrote] = await Promise.allSettled([filling(), written]);
  await handle.close();
  for (const result of [filled, wrote]) {
    if (result.status === 'fulfilled') continue;
    fs.rmSync(out, { force: true });
    throw result.reason;
  }
  return { sha256: hash.digest('hex'), size };
}

async function addFile(
  pack: Pack,
  name: string,
  full: string,
  file: Pick<ManifestFile, 'path' | 'size' | 'sha256'>,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('sha256');
  if (fs.statSync(full).size !== file.size) throw damaged(file.path);
  const source = fs.createReadStream(full, { signal, highWaterMark: 1 << 20 });
  await pipeline(
    source,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    pack.entry({ ...fixed, name, size: file.size }),
  );
  if (hash.digest('hex') !== file.sha256) throw damaged(file.path);
}

function damaged(name: string): AxonError {
  return new AxonError(
    'VERIFY_FAILED',
    `${name} is damaged; nothing was packed. \`axon verify\` says what brings the model again.`,
  );
}
