import { createHash } from 'node:crypto';
import type { ManifestFile } from '../../protocol/manifest.ts';

/** By code unit, not by language: the same everywhere. */
export function byName(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** An immutable name for files whose source has none: the hash of their names and hashes. */
export function contentRevision(sorted: readonly ManifestFile[]): string {
  const hash = createHash('sha256');
  for (const { path, sha256 } of sorted) hash.update(`${sha256}  ${path}\n`);
  return `sha256:${hash.digest('hex')}`;
}
