import { createHash } from 'node:crypto';
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

/**
 * Durable key → JSON record, on LMDB. Rules, each from an experiment with power cuts and full disks:
 *
 * 1. `overlappingSync: false`: the default mode acknowledges before the data are synced and lost
 *    acknowledged writes when the machine came back with the same boot id (VM snapshots).
 * 2. LMDB has no page checksums: each record carries the sha256 of its text, checked on every read.
 *    A record that does not match is reported and never served.
 * 3. Writes are synchronous. On a full disk an asynchronous put rejects twice, once where nobody can
 *    listen, and Node ends the process; the synchronous one throws. It is the faster one for single
 *    records, too (0.2 ms against 0.3 ms, one fdatasync each), and registrations are rare.
 * 4. Room is looked for before every write: a transaction that runs out of disk damages the heap of
 *    lmdb-js now and then ("corrupted size vs. prev_size"), and the process with it.
 */
const digestLength = 64;

function seal(value: unknown): Buffer {
  const text = JSON.stringify(value);
  return Buffer.from(createHash('sha256').update(text).digest('hex') + text);
}

function unseal(bytes: Buffer): unknown {
  const digest = bytes.toString('latin1', 0, digestLength);
  const text = bytes.subarray(digestLength);
  if (createHash('sha256').update(text).digest('hex') !== digest) {
    throw new MlosError('DATA_CORRUPTED', 'A registry record does not match its checksum.');
  }
  return JSON.parse(text.toString('utf8'));
}

/** errno of a full disk or quota, as lmdb gives them in `code`. */
const fullDiskCodes = new Set<unknown>([28, 122, 'ENOSPC', 'EDQUOT']);

function writeError(error: unknown): MlosError {
  const { code, message } = error as { code?: unknown; message?: string };
  const full = fullDiskCodes.has(code) || /MDB_MAP_FULL/.test(message ?? '');
  return new MlosError(
    full ? 'STORAGE_FULL' : 'INTERNAL',
    full
      ? 'The disk of the registry is full; nothing was changed.'
      : `Registry write failed: ${message ?? String(error)}`,
    { cause: error },
  );
}

/** What a transaction may take beyond its record: copied tree pages and the free list. */
const transactionBytes = 128 * 1024;

export interface StoredRecord {
  readonly key: string;
  readonly value: unknown;
}

export class RecordStore {
  readonly #db: RootDatabase<Buffer, string>;

  readonly #folder: string;

  private constructor(db: RootDatabase<Buffer, string>, folder: string) {
    this.#db = db;
    this.#folder = folder;
  }

  /** Opens or makes the store in `<folder>/registry`. One process at a time; the caller holds the lock. */
  static open(folder: string): RecordStore {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const db = open<Buffer, string>({
      path: join(folder, 'registry'),
      encoding: 'binary',
      overlappingSync: false,
      maxReaders: 8,
    });
    return new RecordStore(db, folder);
  }

  /** The record is on disk when this returns. Errors: STORAGE_FULL, INVALID_ARGUMENT (too large). */
  put(key: string, value: unknown): void {
    const bytes = seal(value);
    if (bytes.byteLength > limits.registryRecordBytes) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `The registry record of ${key} has ${bytes.byteLength} bytes; the limit is ${limits.registryRecordBytes}.`,
      );
    }
    this.#assertRoom(2 * bytes.byteLength);
    try {
      this.#db.putSync(key, bytes);
    } catch (error) {
      throw writeError(error);
    }
  }

  /** The removal is on disk when this returns. */
  remove(key: string): void {
    this.#assertRoom(0);
    try {
      this.#db.removeSync(key);
    } catch (error) {
      throw writeError(error);
    }
  }

  /** Rule 4. Throws STORAGE_FULL. */
  #assertRoom(recordBytes: number): void {
    const { bavail, bsize } = statfsSync(this.#folder);
    if (bavail * bsize >= transactionBytes + recordBytes) return;
    throw new MlosError(
      'STORAGE_FULL',
      `The disk of the registry (${this.#folder}) is full; nothing was changed.`,
    );
  }

  /** Every record below a prefix, and the keys of those whose checksum fails. */
  scan(prefix: string): { records: StoredRecord[]; corrupted: string[] } {
    const records: StoredRecord[] = [];
    const corrupted: string[] = [];
    for (const { key, value } of this.#db.getRange({ start: prefix, end: `${prefix}\uffff` })) {
      try {
        records.push({ key, value: unseal(value) });
      } catch {
        corrupted.push(key);
      }
    }
    return { records, corrupted };
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}
