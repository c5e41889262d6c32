import fs from 'node:fs';
import { AxonError } from '../axon-error.ts';
import { listInstalled, readManifest } from './catalog.ts';
import type { StoreLayout } from './layout.ts';
import { statOrNone } from './same-content.ts';
import { isKeptBack, type Unreadable } from './unreadable.ts';

export interface Dropped {
  readonly blobs: number;
  readonly bytes: number;
}

/**
 * Takes those of the blobs away that nobody uses. Safe beside running installs, without a lock: an
 * install that has linked a blob gives it a second name, and one that comes later finds no blob and
 * fetches. While something cannot be read, what it uses is not known: then all stay, and `warn` says so.
 */
export function dropUnused(
  layout: StoreLayout,
  candidates: Iterable<string>,
  warn: (text: string) => void,
  isDry = false,
): Dropped {
  let used: ReadonlySet<string> | null = null;
  let [blobs, bytes] = [0, 0];
  for (const sha256 of candidates) {
    const facts = statOrNone(layout.blob(sha256));
    if (facts === undefined || facts.nlink > 1) continue;
    // One name may also mean that copies stand for links here: then the manifests say.
    if (used === null) {
      const { hashes, unreadable } = hashesInUse(layout);
      const [first] = unreadable;
      if (first !== undefined) {
        warn(
          `Stored files that no model seems to use are kept, since ${first.path} cannot be read and may use them (${first.error.message}). \`axon gc\` removes them once it can be read.`,
        );
        break;
      }
      used = hashes;
    }
    if (used.has(sha256)) continue;
    if (!isDry) fs.rmSync(layout.blob(sha256), { force: true });
    blobs += 1;
    bytes += facts.size;
  }
  return { blobs, bytes };
}

function hashesInUse(layout: StoreLayout): {
  readonly hashes: ReadonlySet<string>;
  readonly unreadable: readonly Unreadable[];
} {
  const hashes = new Set<string>();
  const unreadable: Unreadable[] = [];
  for (const { dir } of listInstalled(layout, (found) => unreadable.push(found))) {
    try {
      for (const { sha256 } of readManifest(dir).spec.format.files) hashes.add(sha256);
    } catch (error) {
      // One that can be read and is none names nothing, now or later.
      if (isKeptBack(error)) unreadable.push({ path: dir, error: AxonError.from(error) });
    }
  }
  return { hashes, unreadable };
}
