import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../axon-error.ts';
import type { ExpectedHash, HashAlgorithm } from '../download/options.ts';
import type { StoreLayout } from './layout.ts';

/*
 * Which blob has which other hash, as sources state them: one line each, `<algorithm> <hex> <sha256>`,
 * only ever appended to. It is a hint: what is found by it is hashed both ways before it is used, so a
 * torn or a lost line costs a download at most. It is read as a stream and never held whole.
 */
const kept: ReadonlySet<HashAlgorithm> = new Set(['sha512', 'sha384', 'git-sha1']);
const line = /^([a-z0-9-]+) ([0-9a-f]{40,128}) ([0-9a-f]{64})$/;

const keyOf = ({ algorithm, hex }: ExpectedHash) => `${algorithm} ${hex}`;

/** Whether a hash is strong enough to recognise a file by, on its own. */
export function isRecognised({ algorithm }: ExpectedHash): boolean {
  return kept.has(algorithm);
}

export class HashIndex {
  readonly #layout: StoreLayout;

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  /** The sha256 of each hash that is known. */
  async find(wanted: readonly ExpectedHash[]): Promise<(hash: ExpectedHash) => string | null> {
    const open = new Set(wanted.filter(isRecognised).map(keyOf));
    const found = new Map<string, string>();
    if (open.size > 0)
      await this.#each((key, sha256) => {
        if (open.has(key)) found.set(key, sha256);
      });
    return (hash) => found.get(keyOf(hash)) ?? null;
  }

  add(entries: readonly { readonly hash: ExpectedHash; readonly sha256: string }[]): void {
    const text = entries
      .filter(({ hash }) => isRecognised(hash))
      .map(({ hash, sha256 }) => `${keyOf(hash)} ${sha256}\n`)
      .join('');
    if (text === '') return;
    fs.mkdirSync(path.dirname(this.#layout.hashIndex), { recursive: true });
    fs.appendFileSync(this.#layout.hashIndex, text);
  }

  /** Forgets what has no blob any more, and what stands there twice. */
  async compact(): Promise<void> {
    const lines = new Map<string, string>();
    await this.#each((key, sha256) => {
      if (fs.existsSync(this.#layout.blob(sha256))) lines.set(key, sha256);
    });
    if (lines.size === 0) return fs.rmSync(this.#layout.hashIndex, { force: true });
    fs.mkdirSync(this.#layout.drafts, { recursive: true });
    const draft = path.join(this.#layout.drafts, randomUUID());
    fs.writeFileSync(draft, [...lines].map(([key, sha256]) => `${key} ${sha256}\n`).join(''));
    fs.renameSync(draft, this.#layout.hashIndex);
  }

  async #each(visit: (key: string, sha256: string) => void): Promise<void> {
    const handle = await openOrNone(this.#layout.hashIndex);
    if (handle === null) return;
    try {
      for await (const text of handle.readLines()) {
        const [, algorithm, hex, sha256 = ''] = line.exec(text) ?? [];
        if (algorithm !== undefined) visit(`${algorithm} ${hex}`, sha256);
      }
    } finally {
      await handle.close();
    }
  }
}

async function openOrNone(file: string): Promise<fs.promises.FileHandle | null> {
  try {
    return await fs.promises.open(file);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}
