import fs from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../axon-error.ts';
import { dropArchiveNotes } from './archive-notes.ts';
import { HashIndex } from './hash-index.ts';
import type { StoreLayout } from './layout.ts';
import { acquireLock } from './lock.ts';
import { statOrNone } from './same-content.ts';
import { dropUnused } from './unused.ts';

const abandonedMs = 24 * 3_600_000;

export interface Collected {
  readonly blobs: number;
  readonly downloads: number;
  readonly bytes: number;
}

export function* blobNames(layout: StoreLayout): Generator<string> {
  for (const folder of namesIn(layout.blobs)) yield* namesIn(path.join(layout.blobs, folder));
}

/** Removes what no package uses, and what was left half-made; what an install works on stays. */
export async function collect(
  layout: StoreLayout,
  isDry: boolean,
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<Collected> {
  const old = namesIn(layout.staging).filter((name) =>
    isAbandoned(path.join(layout.staging, name)),
  );
  let [downloads, bytes] = [0, 0];
  for (const name of old) {
    const freed = await removeStaging(layout, name, isDry, signal);
    if (freed === null) continue;
    downloads += 1;
    bytes += freed;
  }
  for (const name of namesIn(layout.drafts)) {
    const draft = path.join(layout.drafts, name);
    if (!isDry && isAbandoned(draft)) fs.rmSync(draft, { force: true });
  }
  const dropped = dropUnused(layout, blobNames(layout), warn, isDry);
  if (!isDry) {
    await new HashIndex(layout).compact();
    dropArchiveNotes(layout);
  }
  return { blobs: dropped.blobs, downloads, bytes: bytes + dropped.bytes };
}

/** Under the model's lock, or not at all. One with a former package set aside is for its next install. */
async function removeStaging(
  layout: StoreLayout,
  name: string,
  isDry: boolean,
  signal: AbortSignal,
): Promise<number | null> {
  const dir = path.join(layout.staging, name);
  if (fs.existsSync(path.join(dir, 'replaced'))) return null;
  const lock = await acquireLock(layout.lockOfKey(name), {
    waitMs: 0,
    onWait: () => undefined,
    signal,
  }).catch((error: unknown) => {
    if (errnoOf(error) === 'BUSY') return null;
    throw error;
  });
  if (lock === null) return null;
  try {
    if (!isAbandoned(dir)) return null;
    const bytes = bytesOf(dir);
    if (!isDry) fs.rmSync(dir, { recursive: true, force: true });
    return bytes;
  } finally {
    lock.release();
  }
}

/** Nothing in it was touched for a day. */
function isAbandoned(file: string): boolean {
  const facts = statOrNone(file);
  if (facts === undefined || Date.now() - facts.mtimeMs < abandonedMs) return false;
  return !facts.isDirectory() || namesIn(file).every((name) => isAbandoned(path.join(file, name)));
}

/** What goes when the folder goes: a file with another name elsewhere frees nothing. */
function bytesOf(file: string): number {
  const facts = statOrNone(file);
  if (facts === undefined) return 0;
  if (!facts.isDirectory()) return facts.nlink > 1 ? 0 : facts.size;
  return namesIn(file).reduce((total, name) => total + bytesOf(path.join(file, name)), 0);
}

function namesIn(dir: string): readonly string[] {
  try {
    return fs.readdirSync(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
