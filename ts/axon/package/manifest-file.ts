import fs from 'node:fs';
import path from 'node:path';
import { limits } from '../../protocol/limits.ts';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { AxonError, errnoOf } from '../axon-error.ts';
import { manifestName, signatureName } from '../store/layout.ts';

/** Puts manifest.yaml and its signature into a package's folder, byte for byte as they came. */
export function writeManifest(dir: string, text: string, signature: string | null): void {
  writeDurably(path.join(dir, manifestName), text);
  const file = path.join(dir, signatureName);
  if (signature === null) fs.rmSync(file, { force: true });
  else writeDurably(file, signature);
}

function writeDurably(file: string, text: string): void {
  fs.writeFileSync(file, text, { flush: true });
}

/** The text of a package's signature, or null for one that is not signed. */
export function readSignature(dir: string): string | null {
  return readIfThere(path.join(dir, signatureName), limits.signatureBytes);
}

export interface PackageFolder {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly text: string;
  readonly signature: string | null;
}

/** A folder that is a package, that is, has a manifest.yaml; null for any other. */
export function openFolder(dir: string): PackageFolder | null {
  const file = path.join(dir, manifestName);
  const text = readIfThere(file, limits.manifestBytes);
  if (text === null) return null;
  return { dir, manifest: parseManifest(text, file), text, signature: readSignature(dir) };
}

function readIfThere(file: string, maxBytes: number): string | null {
  try {
    const stat = fs.lstatSync(file);
    if (!stat.isFile() || stat.size > maxBytes)
      throw new AxonError(
        'INVALID_PACKAGE',
        `${file} must be a regular file of at most ${maxBytes} bytes.`,
      );
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw AxonError.from(error);
  }
}
