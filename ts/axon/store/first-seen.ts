import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../axon-error.ts';
import { isSha256 } from './archive-notes.ts';
import type { StoreLayout } from './layout.ts';
import { readText } from './read-text.ts';
import { replaceDurably } from './sync.ts';

/** Contents that their source states no hash of, and where they come from. */
export interface SeenPlace {
  readonly hub: string;
  readonly id: string;
  readonly revision: string | null;
  readonly name: string;
}

export interface Seen {
  readonly sha256: string;
  /** RFC 3339. */
  readonly at: string;
}

const maxNoteBytes = 64 * 1024;

/** What was there when it was first installed; it stays noted when the model is gone. Null for what never was. */
export function readSeen(layout: StoreLayout, place: SeenPlace): Seen | null {
  let note: Partial<Seen> | null;
  try {
    note = JSON.parse(readText(fileOf(layout, place), maxNoteBytes)) as typeof note;
  } catch (error) {
    // A torn note is none: it says nothing of what was there.
    if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
  const { sha256, at } = note ?? {};
  return isSha256(sha256) && typeof at === 'string' ? { sha256, at } : null;
}

export function writeSeen(layout: StoreLayout, place: SeenPlace, sha256: string): void {
  const file = fileOf(layout, place);
  for (const dir of [path.dirname(file), layout.drafts]) fs.mkdirSync(dir, { recursive: true });
  const seen: Seen = { sha256, at: new Date().toISOString() };
  const text = `${JSON.stringify({ ...place, ...seen }, null, 2)}\n`;
  replaceDurably(file, text, path.join(layout.drafts, randomUUID()));
}

function fileOf(layout: StoreLayout, { hub, id, revision, name }: SeenPlace): string {
  return layout.seenFile(JSON.stringify([hub, id, revision, name]));
}
