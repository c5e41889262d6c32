import fs from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../../protocol/make-folder.ts';
import { AxonError, errnoOf } from '../axon-error.ts';
import { Blobs } from './blobs.ts';
import { listInstalled, readManifest } from './catalog.ts';
import type { StoreLayout } from './layout.ts';
import { readMetadata } from './metadata.ts';
import { readText } from './read-text.ts';
import { syncPath } from './sync.ts';

const layoutVersion = 2;

/**
 * Makes a cache of before `blobs` one with it: the files of its packages get their names there. Nothing
 * is hashed or copied, so it takes no time; a blob is hashed before anything else uses it anyway. May be
 * cut off and run twice at once: what has its name keeps it.
 */
export async function takeOver(layout: StoreLayout): Promise<void> {
  if (isCurrent(layout)) return;
  const blobs = new Blobs(layout, () => undefined);
  for (const { dir } of listInstalled(layout)) {
    for (const { path: name, sha256 } of ownFiles(dir)) {
      const file = path.join(dir, name);
      try {
        fs.chmodSync(file, fs.statSync(file).mode & 0o444);
        await blobs.add(file, sha256);
      } catch (error) {
        // A file that is missing is for `axon verify` to tell.
        if (errnoOf(error) !== 'ENOENT') throw AxonError.from(error);
      }
    }
  }
  makeFolder(layout.cache);
  const draft = `${layout.mark}.${process.pid}`;
  fs.writeFileSync(draft, `${JSON.stringify({ layout: layoutVersion })}\n`);
  syncPath(draft);
  fs.renameSync(draft, layout.mark);
}

/** The files of a package that is ours and can be read; of others none. */
function ownFiles(dir: string): readonly { readonly path: string; readonly sha256: string }[] {
  try {
    return readMetadata(dir) === null ? [] : readManifest(dir).spec.format.files;
  } catch {
    return []; // `axon list` and `axon fsck` say what is wrong with it.
  }
}

function isCurrent(layout: StoreLayout): boolean {
  if (!fs.existsSync(layout.mark)) return false;
  const text = readText(layout.mark, 1024);
  let version: unknown;
  try {
    version = (JSON.parse(text) as { layout?: unknown } | null)?.layout;
  } catch {
    return false; // Half written by a power cut; it is made again.
  }
  if (typeof version === 'number' && version > layoutVersion)
    throw new AxonError(
      'IO_ERROR',
      `${layout.cache} was made by a newer axon (layout ${version}). Use that one, or another cache_dir.`,
    );
  return version === layoutVersion;
}
