import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../axon-error.ts';
import { FileBytes } from './byte-source.ts';
import { archiveError } from './tar-entries.ts';
import { tarFiles } from './tar-reader.ts';

/** The files of a bundle by name, whether it is a folder or a tar. */
export interface BundleFiles {
  open(name: string): Promise<{ size: number; body(): AsyncIterable<Buffer> } | null>;
}

/** Null for what is no bundle: a folder or tar without `oci-layout`. */
export async function openBundle(file: string, signal: AbortSignal): Promise<BundleFiles | null> {
  if (fs.statSync(file).isDirectory())
    return fs.existsSync(path.join(file, 'oci-layout')) ? folderFiles(file, signal) : null;
  return file.endsWith('.axon') ? null : tarIndex(file, signal);
}

function folderFiles(dir: string, signal: AbortSignal): BundleFiles {
  return {
    async open(name) {
      const full = path.join(dir, name);
      const stat = fs.lstatSync(full, { throwIfNoEntry: false });
      if (stat?.isFile() !== true) return null;
      return { size: stat.size, body: () => fs.createReadStream(full, { signal }) };
    },
  };
}

/** Reads the headers only: contents are read where they lie when they are wanted. */
async function tarIndex(file: string, signal: AbortSignal): Promise<BundleFiles | null> {
  const places = new Map<string, { readonly at: number; readonly size: number }>();
  const label = path.basename(file);
  const handle = await fs.promises.open(file);
  try {
    const bytes = new FileBytes(handle, (await handle.stat()).size, signal);
    for await (const { name, size } of tarFiles(bytes)) {
      const plain = name.replace(/^\.\//, '');
      if (places.has(plain))
        throw new AxonError('UNSAFE_PACKAGE', `${label} holds ${JSON.stringify(plain)} twice.`);
      places.set(plain, { at: bytes.position, size });
    }
  } catch (error) {
    throw archiveError(error, label, signal);
  } finally {
    await handle.close();
  }
  if (!places.has('oci-layout')) return null;
  return {
    async open(name) {
      const place = places.get(name);
      if (place === undefined) return null;
      const { at, size } = place;
      const body = () =>
        size === 0 ? empty() : fs.createReadStream(file, { start: at, end: at + size - 1, signal });
      return { size, body };
    },
  };
}

async function* empty(): AsyncGenerator<Buffer> {}

/** A small file as a whole; with a digest it must be what that says. */
export async function readAll(
  files: BundleFiles,
  name: string,
  most: number,
  label: string,
  digest: string | null = null,
): Promise<Buffer> {
  const found = await files.open(name);
  if (found === null || found.size > most)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${label} ${found === null ? 'lacks' : 'has too large a file as'} ${name}.`,
    );
  const chunks: Buffer[] = [];
  for await (const chunk of found.body()) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const got = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (digest === null || got === digest) return bytes;
  throw new AxonError('CHECKSUM_MISMATCH', `${label}: ${name} is not what its digest states.`);
}
