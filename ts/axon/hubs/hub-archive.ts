import path from 'node:path';
import type { ManifestFile, VerifiedBy } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { ExpectedHash } from '../download/options.ts';
import type { ArchiveFile } from '../package/archive-limits.ts';
import type { NameGuard } from '../package/names.ts';
import { readArchive } from '../package/read-archive.ts';
import { replaceFile } from '../package/write-file.ts';
import { ArchiveNotes, isSha256 } from '../store/archive-notes.ts';
import type { Description, HubFile } from './hub.ts';

export interface HubArchiveSpec {
  readonly hub: string;
  readonly label: string;
  /** What the source states for the archive as a whole. */
  readonly expected: ExpectedHash | null;
  readonly verifiedBy: VerifiedBy;
  /** The archive's name below the folder for parts. */
  readonly workName: string;
  /** The name in the package of a name in the archive; null for what is no part of it. */
  inner(name: string): string | null;
  /** What is known about it without looking into it. */
  readonly about?: Description;
  /** What this file of the archive says about the package, if it is the one that does. */
  describe?(name: string, read: (maxBytes: number) => Promise<Buffer | null>): Promise<Description>;
  /** Brings the archive to `dest`, checked. */
  fetch(dest: string): Promise<unknown>;
}

interface Entry {
  readonly path: string;
  readonly size: number;
  /** Null for what was never taken out of the archive. */
  readonly sha256: string | null;
}

interface Note {
  readonly entries: readonly Entry[];
  readonly description: Description;
}

/**
 * The files in an archive of a hub. The archive is checked as a whole, then read: nothing in it is ever run.
 * What is in one that came before is known without it.
 */
export class HubArchive {
  readonly #spec: HubArchiveSpec;
  readonly #context: Context;
  readonly #notes: ArchiveNotes<Note>;
  #note: Note = { entries: [], description: {} };
  #isFetched = false;

  constructor(spec: HubArchiveSpec, context: Context) {
    this.#spec = spec;
    this.#context = context;
    this.#notes = new ArchiveNotes(context.layout, spec.hub, isNote);
  }

  /** What is in an archive only the archive says, so the first time planning fetches it. */
  async plan(work: string, guard: NameGuard): Promise<readonly HubFile[]> {
    this.#note = this.#notes.read(this.#spec.expected) ?? (await this.#look(work));
    return this.#note.entries.map(({ path: name, size, sha256 }) => {
      guard.add(name, size);
      const known =
        sha256 === null ? {} : { known: { sha256, verified_by: this.#spec.verifiedBy } };
      return { path: name, size, expected: null, ...known };
    });
  }

  /** Puts those of the planned files that are wanted below `into`. */
  async extract(
    wanted: ReadonlySet<string>,
    into: string,
    work: string,
  ): Promise<readonly ManifestFile[]> {
    const done = new Map<string, ManifestFile>();
    await this.#read(work, async ({ name, body }) => {
      if (!wanted.has(name)) return;
      const { sha256, size } = await replaceFile(into, name, body);
      done.set(name, { path: name, size, sha256, verified_by: this.#spec.verifiedBy });
    });
    const planned = this.#note.entries.filter((entry) => wanted.has(entry.path));
    if (done.size !== planned.length)
      throw new AxonError(
        'INVALID_PACKAGE',
        `${this.#spec.label}: the archive changed while it was read.`,
      );
    const entries = this.#note.entries.map((entry) => {
      return { ...entry, sha256: done.get(entry.path)?.sha256 ?? entry.sha256 };
    });
    this.#note = { ...this.#note, entries };
    const known = entries.flatMap(({ sha256 }) => sha256 ?? []);
    this.#notes.write(this.#spec.expected, known, this.#note);
    return [...done.values()];
  }

  /** Called after plan. */
  get description(): Description {
    return { ...this.#spec.about, ...this.#note.description };
  }

  async #look(work: string): Promise<Note> {
    const entries: Entry[] = [];
    let description: Description = {};
    await this.#read(work, async ({ name, size, body }) => {
      entries.push({ path: name, size, sha256: null });
      const about = await this.#spec.describe?.(name, (most) => readSmall(body, size, most));
      description = { ...description, ...about };
    });
    return { entries, description };
  }

  async #read(work: string, each: (file: ArchiveFile) => Promise<void>): Promise<void> {
    const { label, workName, inner } = this.#spec;
    const dest = path.join(work, workName);
    // Hashed once in this run.
    if (!this.#isFetched) await this.#spec.fetch(dest);
    this.#isFetched = true;
    const take = async (file: ArchiveFile) => {
      const name = inner(file.name);
      if (name !== null) await each({ ...file, name });
    };
    await readArchive(dest, label, take, this.#context.signal);
  }
}

function isNote(value: unknown): value is Note {
  const { entries, description } = (value ?? {}) as Partial<Note>;
  return (
    typeof description === 'object' &&
    description !== null &&
    Array.isArray(entries) &&
    (entries as readonly Partial<Entry>[]).every(
      ({ path: name, size, sha256 }) =>
        typeof name === 'string' &&
        Number.isSafeInteger(size) &&
        (sha256 === null || isSha256(sha256)),
    )
  );
}

async function readSmall(
  body: AsyncIterable<Buffer>,
  size: number,
  maxBytes: number,
): Promise<Buffer | null> {
  if (size > maxBytes) return null;
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
