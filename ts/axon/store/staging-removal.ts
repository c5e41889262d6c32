import fs from 'node:fs';
import path from 'node:path';
import type { StoreLayout } from './layout.ts';
import { tryLock } from './lock.ts';
import { namesIn } from './names-in.ts';
import { statOrNone } from './same-content.ts';
import { modelSetAside } from './staging.ts';
import { type OnUnreadable, unlessKeptBack } from './unreadable.ts';

export interface StagingRemoval {
  /** What was touched since is left alone; 0: however young it is. */
  readonly leastAgeMs: number;
  readonly isDry: boolean;
  readonly signal: AbortSignal;
}

/** Removes the staging folders that no install works on. How many they were, and what that frees. */
export async function removeIdleStaging(
  layout: StoreLayout,
  removal: StagingRemoval,
): Promise<{ readonly removed: number; readonly bytes: number }> {
  let [removed, bytes] = [0, 0];
  for (const name of namesIn(layout.staging)) {
    if (!isOlder(path.join(layout.staging, name), removal.leastAgeMs)) continue;
    const freed = await removeStaging(layout, name, removal);
    if (freed === null) continue;
    removed += 1;
    bytes += freed;
  }
  return { removed, bytes };
}

/** Under the model's lock, or not at all. What may be the only copy of a package stays. */
async function removeStaging(
  layout: StoreLayout,
  name: string,
  { leastAgeMs, isDry, signal }: StagingRemoval,
): Promise<number | null> {
  const dir = path.join(layout.staging, name);
  const lock = await tryLock(layout.lockOfKey(name), signal);
  if (lock === null) return null;
  try {
    if (!isOlder(dir, leastAgeMs) || mayHoldModel(layout, name)) return null;
    const bytes = bytesOf(dir);
    if (!isDry) fs.rmSync(dir, { recursive: true, force: true });
    return bytes;
  } finally {
    lock.release();
  }
}

function mayHoldModel(layout: StoreLayout, name: string): boolean {
  try {
    return modelSetAside(layout, name) !== null;
  } catch {
    return true; // Every command says so of what it cannot put back.
  }
}

/** It is there, and nothing in it was touched for so long; 0: it is there. */
export function isOlder(file: string, ageMs: number): boolean {
  const facts = statOrNone(file);
  if (facts === undefined) return false;
  // A clock that was set back makes files of the future: they count as young, but not as missing.
  if (ageMs > 0 && Date.now() - facts.mtimeMs < ageMs) return false;
  return (
    !facts.isDirectory() || namesIn(file).every((name) => isOlder(path.join(file, name), ageMs))
  );
}

/** What goes when the folder goes: a file with another name elsewhere frees nothing. */
export function bytesOf(file: string, onUnreadable?: OnUnreadable): number {
  const facts = unlessKeptBack(file, undefined, onUnreadable, () => statOrNone(file));
  if (facts === undefined) return 0;
  if (!facts.isDirectory()) return facts.nlink > 1 ? 0 : facts.size;
  return namesIn(file, onUnreadable).reduce(
    (total, name) => total + bytesOf(path.join(file, name), onUnreadable),
    0,
  );
}
