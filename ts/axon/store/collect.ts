import fs from 'node:fs';
import path from 'node:path';
import { dropArchiveNotes } from './archive-notes.ts';
import { HashIndex } from './hash-index.ts';
import type { StoreLayout } from './layout.ts';
import { namesIn } from './names-in.ts';
import { isOlder, removeIdleStaging } from './staging-removal.ts';
import type { OnUnreadable } from './unreadable.ts';
import { dropUnused } from './unused.ts';

const abandonedMs = 24 * 3_600_000;

export interface Collected {
  readonly blobs: number;
  readonly downloads: number;
  readonly bytes: number;
}

export function* blobNames(layout: StoreLayout, onUnreadable?: OnUnreadable): Generator<string> {
  for (const folder of namesIn(layout.blobs, onUnreadable))
    yield* namesIn(path.join(layout.blobs, folder), onUnreadable);
}

/** Removes what no package uses, and what was left half-made; what an install works on stays. */
export async function collect(
  layout: StoreLayout,
  isDry: boolean,
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<Collected> {
  const staging = await removeIdleStaging(layout, { leastAgeMs: abandonedMs, isDry, signal });
  for (const name of namesIn(layout.drafts)) {
    const draft = path.join(layout.drafts, name);
    if (!isDry && isOlder(draft, abandonedMs)) fs.rmSync(draft, { force: true });
  }
  const dropped = dropUnused(layout, blobNames(layout), warn, isDry);
  if (!isDry) {
    await new HashIndex(layout).compact();
    dropArchiveNotes(layout);
  }
  return {
    blobs: dropped.blobs,
    downloads: staging.removed,
    bytes: staging.bytes + dropped.bytes,
  };
}
