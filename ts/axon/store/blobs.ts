import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../axon-error.ts';
import { hashFile } from '../download/fetch-file.ts';
import type { ExpectedHash } from '../download/options.ts';
import type { StoreLayout } from './layout.ts';
import { copyContent, hardLink, isSameFile, type LinkFile, statOrNone } from './same-content.ts';
import { syncPath } from './sync.ts';

/*
 * Every content once, named by its sha256. A package's file and the blob are one file with two names,
 * so a package is whole by itself and `blobs` may lose any entry at any moment without harm to it.
 * 1. A blob's name is a claim. It is hashed again before it goes into another package; what is wrong is
 *    taken out of `blobs` and never served on.
 * 2. Hashed is what was linked, not what stood under the name a moment before.
 * 3. Bytes are on disk before a name points to them.
 * 4. Blobs are read-only: who writes to one writes into every package that holds it.
 * 5. Where no links are possible both are copies; then a package may share nothing and be right all the same.
 */
export interface TakenBlob {
  readonly sha256: string;
  readonly size: number;
  /** What of `expected` it does not meet. */
  readonly mismatch: string | null;
}

export class Blobs {
  readonly #layout: StoreLayout;
  readonly #onDamage: (sha256: string) => void;
  readonly #link: LinkFile;

  constructor(layout: StoreLayout, onDamage: (sha256: string) => void, link: LinkFile = hardLink) {
    this.#layout = layout;
    this.#onDamage = onDamage;
    this.#link = link;
  }

  /** Puts the blob at `dest`, checked; null where there is none, or none that is right. */
  async take(
    sha256: string,
    dest: string,
    expected: ExpectedHash | null,
    signal: AbortSignal,
  ): Promise<TakenBlob | null> {
    const blob = this.#layout.blob(sha256);
    // What an earlier run left at `dest` is only given up for something.
    if (statOrNone(blob) === undefined) return null;
    fs.mkdirSync(path.dirname(dest), { recursive: true });
    fs.rmSync(dest, { force: true });
    try {
      if (!this.#link(blob, dest)) await copyContent(blob, dest);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    }
    const hashed = await hashFile(dest, expected, signal); // Rule 2
    if (hashed.sha256 === sha256) return hashed;
    fs.rmSync(dest, { force: true });
    this.discard(sha256);
    this.#onDamage(sha256);
    return null;
  }

  /** Makes a file with this very hash the blob, or one with the blob that is there. */
  async adopt(file: string, sha256: string, signal: AbortSignal): Promise<void> {
    const blob = this.#layout.blob(sha256);
    fs.chmodSync(file, fs.statSync(file).mode & 0o444); // Rule 4
    syncPath(file); // Rule 3
    for (;;) {
      signal.throwIfAborted();
      const there = statOrNone(blob);
      if (isSameFile(there, statOrNone(file))) return;
      const done =
        there === undefined
          ? await this.add(file, sha256)
          : await this.#share(file, sha256, signal);
      if (done) return;
    }
  }

  /** Gives a file a name among the blobs; false where there is one already. */
  async add(file: string, sha256: string): Promise<boolean> {
    const blob = this.#layout.blob(sha256);
    fs.mkdirSync(path.dirname(blob), { recursive: true });
    try {
      if (!this.#link(file, blob)) await this.#viaDraft(blob, (draft) => copyContent(file, draft));
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
    return true;
  }

  /** Takes a blob's name away. Packages that hold it keep their file. */
  discard(sha256: string): void {
    fs.rmSync(this.#layout.blob(sha256), { force: true, recursive: true });
  }

  /** One file instead of two with the same content. A damaged blob is replaced by the file. */
  async #share(file: string, sha256: string, signal: AbortSignal): Promise<boolean> {
    const blob = this.#layout.blob(sha256);
    const draft = this.#draft();
    try {
      if (!this.#link(blob, draft)) return true; // Rule 5
      if ((await hashFile(draft, null, signal)).sha256 === sha256) {
        fs.renameSync(draft, file);
        return true;
      }
      this.#onDamage(sha256);
      await this.#viaDraft(blob, async (fresh) => {
        if (!this.#link(file, fresh)) await copyContent(file, fresh);
      });
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false; // The blob went away meanwhile.
      throw error;
    } finally {
      fs.rmSync(draft, { force: true });
    }
  }

  async #viaDraft(to: string, make: (draft: string) => Promise<void>): Promise<void> {
    const draft = this.#draft();
    try {
      await make(draft);
      syncPath(draft);
      fs.renameSync(draft, to);
    } finally {
      fs.rmSync(draft, { force: true });
    }
  }

  #draft(): string {
    fs.mkdirSync(this.#layout.drafts, { recursive: true });
    return path.join(this.#layout.drafts, randomUUID());
  }
}
