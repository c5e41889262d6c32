import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parseManifest } from '../../protocol/manifest.ts';
import { hashFile } from '../download/fetch-file.ts';
import { readManifestText, readMetadata } from '../store/catalog.ts';
import { reservedNames } from '../store/layout.ts';

export interface Verification {
  readonly files: number;
  readonly bytes: number;
  readonly missing: readonly string[];
  readonly damaged: readonly string[];
  readonly extra: readonly string[];
}

/** Hashes every file of an installed package and looks for what should not be there. */
export async function verifyPackage(dir: string, signal: AbortSignal): Promise<Verification> {
  const text = readManifestText(dir);
  const damaged: string[] = [];
  const missing: string[] = [];
  let bytes = 0;
  // The manifest itself is covered too, by the note that was made when it was installed.
  if (createHash('sha256').update(text).digest('hex') !== readMetadata(dir).manifest_sha256)
    damaged.push('manifest.yaml');
  const { files } = parseManifest(text).spec.format;
  for (const file of files) {
    const full = path.join(dir, file.path);
    const stat = fs.lstatSync(full, { throwIfNoEntry: false });
    if (stat === undefined) missing.push(file.path);
    else if (!stat.isFile() || stat.size !== file.size) damaged.push(file.path);
    else if ((await hashFile(full, null, signal)).sha256 !== file.sha256) damaged.push(file.path);
    bytes += file.size;
  }
  const listed = new Set(files.map((file) => file.path));
  const extra = everything(dir, '').filter((name) => !listed.has(name) && !reservedNames.has(name));
  return { files: files.length, bytes, missing, damaged, extra };
}

function everything(root: string, prefix: string): string[] {
  return fs.readdirSync(path.join(root, prefix), { withFileTypes: true }).flatMap((entry) => {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    return entry.isDirectory() ? everything(root, name) : [name];
  });
}
