import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../axon-error.ts';
import type { ExpectedHash } from '../download/options.ts';
import { isRecognised } from './hash-index.ts';
import type { StoreLayout } from './layout.ts';

/*
 * What was in the archives that came before, so that none comes twice: one file each, named by the hub, which
 * decides how an archive is read, and by the hash that the source states for the archive. A hint like the
 * hash index: what is found by it is hashed before it is used, and a lost one costs a download.
 */
const maxNoteBytes = 32 * 1024 * 1024;

interface Kept {
  /** sha256 of the files that are known; without any of them a note is of no use. */
  readonly blobs: readonly string[];
  readonly note: unknown;
}

export class ArchiveNotes<Note> {
  readonly #layout: StoreLayout;
  readonly #hub: string;
  readonly #isNote: (value: unknown) => value is Note;

  constructor(layout: StoreLayout, hub: string, isNote: (value: unknown) => value is Note) {
    this.#layout = layout;
    this.#hub = hub;
    this.#isNote = isNote;
  }

  /** Null for an archive that never came, and for one whose source states no strong hash. */
  read(hash: ExpectedHash | null): Note | null {
    const file = this.#file(hash);
    const note = file === null ? null : readKept(file)?.note;
    return this.#isNote(note) ? note : null;
  }

  write(hash: ExpectedHash | null, blobs: readonly string[], note: Note): void {
    const file = this.#file(hash);
    const text = JSON.stringify({ blobs, note } satisfies Kept);
    if (file === null || Buffer.byteLength(text) > maxNoteBytes) return;
    for (const dir of [path.dirname(file), this.#layout.drafts])
      fs.mkdirSync(dir, { recursive: true });
    const draft = path.join(this.#layout.drafts, randomUUID());
    fs.writeFileSync(draft, text);
    fs.renameSync(draft, file);
  }

  #file(hash: ExpectedHash | null): string | null {
    if (hash === null || !(hash.algorithm === 'sha256' || isRecognised(hash))) return null;
    return path.join(this.#layout.archives, `${this.#hub}-${hash.algorithm}-${hash.hex}`);
  }
}

/** Forgets the archives of which no file is left. */
export function dropArchiveNotes(layout: StoreLayout): void {
  if (!fs.existsSync(layout.archives)) return;
  for (const name of fs.readdirSync(layout.archives)) {
    const file = path.join(layout.archives, name);
    const blobs = readKept(file)?.blobs ?? [];
    if (!blobs.some((sha256) => fs.existsSync(layout.blob(sha256)))) fs.rmSync(file);
  }
}

/** Null for what is not there, or not whole. */
function readKept(file: string): Kept | null {
  try {
    if (fs.statSync(file).size > maxNoteBytes) return null;
    const { blobs, note } = JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<Kept>;
    return Array.isArray(blobs) && blobs.every(isSha256) ? { blobs, note } : null;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError || error instanceof TypeError)
      return null;
    throw error;
  }
}

export function isSha256(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
