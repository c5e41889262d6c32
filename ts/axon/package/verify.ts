import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import { hashFile } from '../download/fetch-file.ts';
import { readManifestText } from '../store/catalog.ts';
import { manifestName, reservedNames } from '../store/layout.ts';
import { readMetadata } from '../store/metadata.ts';

export interface Verification {
  readonly files: number;
  readonly bytes: number;
  readonly missing: readonly string[];
  readonly damaged: readonly string[];
  readonly extra: readonly string[];
}

/** The sha256 of a file, lower-case hex. */
export type HashOf = (file: string) => Promise<string>;

const hashed =
  (signal: AbortSignal): HashOf =>
  async (file) =>
    (await hashFile(file, null, signal)).sha256;

/**
 * Hashes every file of an installed package and looks for what should not be there. `hashOf`: for those who
 * check many packages, which share files.
 */
export async function verifyPackage(
  dir: string,
  signal: AbortSignal,
  hashOf: HashOf = hashed(signal),
): Promise<Verification> {
  const text = readManifestText(dir);
  const verified = await verifyFiles(dir, parseManifest(text), signal, hashOf);
  // The manifest itself is covered too, by the note that was made when it was installed.
  const isRight =
    createHash('sha256').update(text).digest('hex') === readMetadata(dir)?.manifest_sha256;
  return isRight ? verified : { ...verified, damaged: [manifestName, ...verified.damaged] };
}

/** The same for any folder that is a package. */
export async function verifyFiles(
  dir: string,
  manifest: Manifest,
  signal: AbortSignal,
  hashOf: HashOf = hashed(signal),
): Promise<Verification> {
  const damaged: string[] = [];
  const missing: string[] = [];
  let bytes = 0;
  const { files } = manifest.spec.format;
  for (const file of files) {
    const full = path.join(dir, file.path);
    const stat = fs.lstatSync(full, { throwIfNoEntry: false });
    if (stat === undefined) missing.push(file.path);
    else if (!stat.isFile() || stat.size !== file.size) damaged.push(file.path);
    else if ((await hashOf(full)) !== file.sha256) damaged.push(file.path);
    bytes += file.size;
  }
  const listed = new Set(files.map((file) => file.path));
  const extra = everything(dir, '').filter((name) => !listed.has(name) && !reservedNames.has(name));
  return { files: files.length, bytes, missing, damaged, extra };
}

/** What is wrong, or the numbers of a package where all is well. */
export function requireVerified(name: string, found: Verification, next: string): void {
  const { missing, damaged, extra } = found;
  const problems = Object.entries({ missing, damaged, extra }).flatMap(([what, names]) =>
    names.map((file) => `${what}: ${file}`),
  );
  if (problems.length === 0) return;
  throw new AxonError(
    'VERIFY_FAILED',
    `${name} is not as its manifest says (${problems.slice(0, 20).join('; ')}). ${next}`,
    { details: { id: name, missing, damaged, extra } },
  );
}

function everything(root: string, prefix: string): string[] {
  return fs.readdirSync(path.join(root, prefix), { withFileTypes: true }).flatMap((entry) => {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    return entry.isDirectory() ? everything(root, name) : [name];
  });
}
