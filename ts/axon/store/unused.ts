import fs from 'node:fs';
import { hashesOf, listInstalled } from './catalog.ts';
import type { StoreLayout } from './layout.ts';
import { statOrNone } from './same-content.ts';

export interface Dropped {
  readonly blobs: number;
  readonly bytes: number;
}

/**
 * Takes those of the blobs away that nobody uses. Safe beside running installs, without a lock: an
 * install that has linked a blob gives it a second name, and one that comes later finds no blob and
 * fetches. A package never needs its blob, so the worst is that it shares less.
 */
export function dropUnused(
  layout: StoreLayout,
  candidates: Iterable<string>,
  isDry = false,
): Dropped {
  let used: ReadonlySet<string> | null = null;
  let [blobs, bytes] = [0, 0];
  for (const sha256 of candidates) {
    const facts = statOrNone(layout.blob(sha256));
    if (facts === undefined || facts.nlink > 1) continue;
    // One name may also mean that copies stand for links here: then the manifests say.
    used ??= new Set(listInstalled(layout).flatMap(({ dir }) => hashesOf(dir)));
    if (used.has(sha256)) continue;
    if (!isDry) fs.rmSync(layout.blob(sha256), { force: true });
    blobs += 1;
    bytes += facts.size;
  }
  return { blobs, bytes };
}
