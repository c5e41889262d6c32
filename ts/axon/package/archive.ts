import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import tar, { type Pack } from 'tar-stream';
import { limits } from '../../protocol/limits.ts';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import { manifestName } from '../store/layout.ts';
import { requireSpace } from '../store/space.ts';
import type { ArchiveFile } from './archive-limits.ts';
import { NameGuard } from './names.ts';
import { byName } from './order.ts';
import { readTar } from './tar-entries.ts';
import { writeNewFile } from './write-file.ts';

/*
 * `.axon`: a tar with manifest.yaml first and then the files that it lists, sorted by name. No times,
 * owners or modes of this machine: the same package gives the same bytes everywhere.
 */
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

/** Writes the archive of an installed package, each file checked on the way. `out` must not exist. */
export async function packArchive(
  dir: string,
  manifestYaml: string,
  out: string,
  signal: AbortSignal,
): Promise<PackResult> {
  const manifest = parseManifest(manifestYaml);
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
  const fill = async () => {
    try {
      pack.entry(
        { ...fixed, name: manifestName, size: Buffer.byteLength(manifestYaml) },
        manifestYaml,
      );
      for (const file of [...manifest.spec.format.files].sort(byName))
        await addFile(pack, dir, file, signal);
      pack.finalize();
    } catch (error) {
      pack.destroy(error as Error);
      throw error;
    }
  };
  const written = pipeline(
    pack as AsyncIterable<Buffer>,
    counted,
    fs.createWriteStream(out, { flags: 'wx' }),
    { signal },
  );
  const [filled, wrote] = await Promise.allSettled([fill(), written]);
  for (const result of [filled, wrote]) {
    if (result.status === 'fulfilled') continue;
    fs.rmSync(out, { force: true });
    throw result.reason;
  }
  return { sha256: hash.digest('hex'), size };
}

async function addFile(
  pack: Pack,
  dir: string,
  file: { readonly path: string; readonly size: number; readonly sha256: string },
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('sha256');
  const source = fs.createReadStream(path.join(dir, file.path), { signal, highWaterMark: 1 << 20 });
  await pipeline(
    source,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    pack.entry({ ...fixed, name: file.path, size: file.size }),
  );
  if (hash.digest('hex') !== file.sha256)
    throw new AxonError(
      'VERIFY_FAILED',
      `${file.path} is damaged; nothing was packed. Install the model again with --force.`,
    );
}

/** Unpacks into `into`, believing nothing: every byte must be what the manifest at the front states. */
export async function unpackArchive(
  archive: string,
  into: string,
  signal: AbortSignal,
): Promise<Manifest> {
  const label = path.basename(archive);
  const state: { manifest: Manifest | null } = { manifest: null };
  const missing = new Map<string, Manifest['spec']['format']['files'][number]>();
  await readTar(
    archive,
    label,
    async (entry) => {
      if (state.manifest === null) {
        state.manifest = await readFirst(entry, label);
        const guard = new NameGuard(label);
        for (const file of state.manifest.spec.format.files) {
          guard.add(file.path, file.size);
          missing.set(file.path, file);
        }
        requireSpace(
          into,
          state.manifest.spec.format.files.reduce((sum, file) => sum + file.size, 0),
        );
        return;
      }
      const file = missing.get(entry.name);
      if (file === undefined || !missing.delete(entry.name))
        throw new AxonError(
          'INVALID_PACKAGE',
          `${label} holds ${JSON.stringify(entry.name)}, which its manifest does not list (or lists once).`,
        );
      if (entry.size !== file.size) throw mismatch(label, entry.name);
      const { sha256, size } = await writeNewFile(into, entry.name, entry.body);
      if (sha256 !== file.sha256 || size !== file.size) throw mismatch(label, entry.name);
    },
    signal,
  );
  if (state.manifest === null) throw new AxonError('INVALID_PACKAGE', `${label} is empty.`);
  const [first] = missing.keys();
  if (first !== undefined)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${label} lacks ${JSON.stringify(first)}, which its manifest lists.`,
    );
  return state.manifest;
}

function mismatch(label: string, name: string): AxonError {
  return new AxonError(
    'CHECKSUM_MISMATCH',
    `${label}: ${JSON.stringify(name)} is not what the manifest states. Nothing was installed.`,
  );
}

async function readFirst({ name, size, body }: ArchiveFile, label: string): Promise<Manifest> {
  if (name !== manifestName || size > limits.manifestBytes)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${label} is not an .axon package: it must begin with a ${manifestName} of at most ${limits.manifestBytes} bytes.`,
    );
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return parseManifest(Buffer.concat(chunks).toString('utf8'), `${label}: ${manifestName}`);
}
