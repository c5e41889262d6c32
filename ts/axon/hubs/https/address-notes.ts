import { createHash, randomUUID } from 'node:crypto';
import type { FetchedBytes } from '../../download/fetch-file.ts';
import type { ExpectedHash } from '../../download/options.ts';
import { differ, isSame, type Stamp } from '../../download/stamp.ts';
import { ArchiveNotes, isSha256 } from '../../store/archive-notes.ts';
import type { StoreLayout } from '../../store/layout.ts';

interface Note extends Stamp {
  readonly sha256: string;
  /** Tells one fetch from the next. */
  readonly fetch: string;
}

/**
 * What an address gave when it was last fetched, for those without a hash. It has the same bytes now
 * 1. if what the server says of them tells them from all others, or
 * 2. if they came after this install had begun: of two at once one fetches.
 * The address itself is not kept: there may be secrets in it.
 */
export class AddressNotes {
  readonly #notes: ArchiveNotes<Note>;
  readonly #key: ExpectedHash;
  readonly #before: string | null;

  /** Made when an install begins. */
  constructor(layout: StoreLayout, url: string) {
    this.#notes = new ArchiveNotes(layout, 'address', isNote);
    this.#key = { algorithm: 'sha256', hex: createHash('sha256').update(url).digest('hex') };
    this.#before = this.#notes.read(this.#key)?.fetch ?? null;
  }

  /** The sha256 of what is there, going by what the server says of it now. */
  find(now: Stamp): string | null {
    const note = this.#notes.read(this.#key);
    if (note === null || differ(note, now)) return null;
    return note.fetch !== this.#before || isSame(note, now) ? note.sha256 : null;
  }

  /** `blobs`: the files that came, which are what makes it worth knowing. */
  write({ sha256 }: Pick<FetchedBytes, 'sha256'>, stamp: Stamp, blobs: readonly string[]): void {
    const { etag, modified, isSettled, total } = stamp;
    const note: Note = { sha256, etag, modified, isSettled, total, fetch: randomUUID() };
    this.#notes.write(this.#key, blobs, note);
  }
}

function isNote(value: unknown): value is Note {
  const { sha256, etag, modified, isSettled, total, fetch } = (value ?? {}) as Partial<Note>;
  return (
    isSha256(sha256) &&
    [etag, modified].every((text) => text === null || typeof text === 'string') &&
    typeof isSettled === 'boolean' &&
    (total === null || Number.isSafeInteger(total)) &&
    typeof fetch === 'string'
  );
}
