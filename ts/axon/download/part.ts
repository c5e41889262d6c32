import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { reservedPrefix } from '../store/layout.ts';
import type { FileRequest } from './fetch-file.ts';
import { type Span, Spans } from './spans.ts';
import { differ, noStamp, type Stamp, strongTag } from './stamp.ts';

/*
 * What is there of a file under way: a part beside where it will lie, and a note, which says what the part
 * belongs to. Their names begin as no file of a source may, so that neither is ever another file's.
 * 1. A later run goes on with it only where the bytes must be the same: the same hash, or, where the
 *    source states none, the same address and strong ETag (If-Range). What is whole there is asked for by
 *    its first byte, and taken if the answer is about the same bytes; the note stays for that.
 * 2. As long as bytes come in order, the length of the part says how far it is, and nothing is written
 *    beside it: a kill loses what was in memory. Once they come in ranges the note lists them. It is
 *    written behind the bytes, and often enough that a kill loses a fifth of a per cent.
 * 3. Neither is believed: the hash over all of it decides in the end.
 */
interface Note extends Stamp {
  /** The sha256 of the address: there may be secrets in that. */
  readonly address: string;
  readonly hash: string | null;
  readonly spans: readonly Span[] | null;
}

const saveShare = 500;
const leastSaveBytes = 64 * 1024;

export class Part {
  readonly handle: fs.promises.FileHandle;
  readonly #file: FileRequest;
  #spans: Spans;
  #stamp: Stamp;
  #ranged: boolean;
  #unsaved = 0;

  private constructor(
    file: FileRequest,
    handle: fs.promises.FileHandle,
    note: Stamp & Pick<Note, 'spans'>,
    spans: Spans,
  ) {
    this.#file = file;
    this.handle = handle;
    const { etag, modified = null, isSettled = false, total = null } = note;
    this.#stamp = { etag, modified, isSettled, total };
    this.#ranged = note.spans !== null;
    this.#spans = spans;
  }

  static async open(file: FileRequest): Promise<Part> {
    const { O_RDWR, O_CREAT } = fs.constants;
    const handle = await fs.promises.open(partName(file), O_RDWR | O_CREAT, 0o644);
    try {
      const { size } = await handle.stat();
      const found = readNote(file);
      const note = found !== null && canGoOn(found, size) ? found : null;
      const spans = note?.spans ?? [{ start: 0, end: size }];
      const end = Math.max(0, ...spans.map((span) => span.end));
      if (note !== null && end <= size && size <= (file.size ?? size))
        return new Part(file, handle, note, new Spans(spans));
      if (size > 0) await handle.truncate();
      return new Part(file, handle, { ...noStamp, spans: null }, new Spans());
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** What came with the bytes; nothing where their hash is stated. */
  get stamp(): Stamp {
    return this.#stamp;
  }

  /** All is here, and no hash will say whether it is right. */
  get isUnproven(): boolean {
    return this.#file.expected === null && this.bytes > 0 && this.bytes === this.#stamp.total;
  }

  get bytes(): number {
    return this.#spans.bytes;
  }

  get frontier(): number {
    return this.#spans.frontier;
  }

  /** For If-Range: only what was sent under this tag may be joined to what is there. */
  get etag(): string | null {
    return strongTag(this.#stamp);
  }

  gaps(within: Span, most?: number): Span[] {
    return this.#spans.gaps(within, most);
  }

  /** Bytes are about to come from this answer. */
  belongsTo(stamp: Stamp): void {
    // Where the source states a hash, an ETag adds nothing; that of a content network may even differ.
    this.#stamp = this.#file.expected === null ? stamp : noStamp;
    this.#save();
  }

  /** Whether an answer is of other bytes than those that are here. */
  isOther(stamp: Stamp): boolean {
    return this.bytes > 0 && differ(this.#stamp, stamp);
  }

  async write(chunks: readonly Buffer[], at: number): Promise<void> {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const { bytesWritten } = await this.handle.writev(chunks, at);
    if (bytesWritten < bytes) {
      const rest = Buffer.concat(chunks).subarray(bytesWritten);
      await this.write([rest], at + bytesWritten);
    }
    this.#spans.add({ start: at, end: at + bytes });
    this.#unsaved += bytes;
    const often = Math.max(leastSaveBytes, (this.#file.size ?? 0) / saveShare);
    if (this.#ranged && this.#unsaved >= often) this.#save();
  }

  /** From now on bytes come in any order. */
  beginRanges(): void {
    this.#ranged = true;
    this.#save();
  }

  /** From now on bytes come in order again, behind those that are there without a gap. */
  async endRanges(): Promise<void> {
    if (this.#ranged) await this.#cut(this.frontier);
  }

  async restart(): Promise<void> {
    await this.#cut(0);
  }

  async #cut(size: number): Promise<void> {
    await this.handle.truncate(size);
    this.#spans = new Spans([{ start: 0, end: size }]);
    this.#ranged = false;
    this.#save();
  }

  /** Keeps what is there for the next run. */
  async close(): Promise<void> {
    if (this.#ranged) this.#save();
    await this.handle.close();
  }

  /** On disk first, then under its name. */
  async finish(): Promise<void> {
    await this.handle.datasync();
    await this.handle.close();
    fs.renameSync(partName(this.#file), this.#file.dest);
    if (this.#file.expected !== null) fs.rmSync(noteName(this.#file), { force: true });
  }

  async discard(): Promise<void> {
    await this.handle.close();
    fs.rmSync(partName(this.#file), { force: true });
    fs.rmSync(noteName(this.#file), { force: true });
  }

  #save(): void {
    const note: Note = {
      address: hashOf(this.#file.url),
      hash: hashText(this.#file),
      ...this.#stamp,
      spans: this.#ranged ? this.#spans.list : null,
    };
    const name = noteName(this.#file);
    fs.writeFileSync(`${name}.new`, JSON.stringify(note));
    fs.renameSync(`${name}.new`, name);
    this.#unsaved = 0;
  }
}

/** Of the last name alone, which is as long as it likes: a cache that moves goes on with its parts. */
export function partName({ dest }: Pick<FileRequest, 'dest'>): string {
  const key = hashOf(path.basename(dest)).slice(0, 32);
  return path.join(path.dirname(dest), `${reservedPrefix}part-${key}`);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function noteName(file: Pick<FileRequest, 'dest'>): string {
  return `${partName(file)}.json`;
}

function hashText({ expected }: FileRequest): string | null {
  return expected === null ? null : `${expected.algorithm}:${expected.hex}`;
}

/** The note, if it is about the same bytes. Rule 1. */
function readNote(file: FileRequest): Note | null {
  let note: Note;
  try {
    note = JSON.parse(fs.readFileSync(noteName(file), 'utf8')) as Note;
  } catch {
    return null; // None, or half of one: the part starts over.
  }
  const whole = note.spans === null || (Array.isArray(note.spans) && note.spans.every(isSpan));
  if (!whole || note.hash !== hashText(file)) return null;
  return note.hash !== null || note.address === hashOf(file.url) ? note : null;
}

function canGoOn(note: Note, size: number): boolean {
  return note.hash !== null || strongTag(note) !== null || note.total === size;
}

/** What came with the bytes of a file that is whole, where no hash was stated for it. */
export function stampOfWhole(file: FileRequest): Stamp {
  const note = readNote(file);
  return note !== null && note.total === fs.statSync(file.dest).size ? note : noStamp;
}

function isSpan({ start, end }: Span): boolean {
  return Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start;
}
