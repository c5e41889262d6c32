import fs from 'node:fs';
import path from 'node:path';
import { AxonError, errnoOf } from '../axon-error.ts';
import type { FileProgress } from '../render/progress.ts';
import { requireSpace } from '../store/space.ts';
import { Digest } from './digest.ts';
import type { FetchedBytes, FileRequest } from './fetch-file.ts';
import { beginning, requireOk } from './fetch-json.ts';
import { follow } from './follow.ts';
import { asRetryable, type HttpResponse, header, readBody } from './http.ts';
import type { DownloadOptions } from './options.ts';
import { Retryable } from './retry.ts';

const progressBytes = 1024 * 1024;

interface PartNote {
  readonly url: string;
  readonly size: number | null;
  readonly hash: string | null;
  readonly etag: string | null;
}

/** One try at one file: goes on from the part that is there, or starts over. */
export class Attempt {
  readonly #file: FileRequest;
  readonly #options: DownloadOptions;
  readonly #shown: FileProgress;
  readonly #progressed: () => void;
  readonly #part: string;
  readonly #note: string;

  constructor(
    file: FileRequest,
    options: DownloadOptions,
    shown: FileProgress,
    progressed: () => void,
  ) {
    this.#file = file;
    this.#options = options;
    this.#shown = shown;
    this.#progressed = progressed;
    this.#part = `${file.dest}.part`;
    this.#note = `${file.dest}.part.json`;
  }

  async run(): Promise<FetchedBytes & { readonly mismatch: string | null }> {
    const note = this.#readNote();
    let offset = note === null ? 0 : this.#partSize();
    if (this.#file.size !== null && offset > this.#file.size) offset = 0;
    if (offset === 0 || offset !== this.#file.size) offset = await this.#transfer(offset, note);
    return this.#finish(offset);
  }

  /** Fetches what is missing; gives the size of the part afterwards. */
  async #transfer(offset: number, note: PartNote | null): Promise<number> {
    const headers: Record<string, string> = {};
    if (offset > 0) headers['range'] = `bytes=${offset}-`;
    if (offset > 0 && note?.etag) headers['if-range'] = note.etag;
    const { url, credential, check } = this.#file;
    const response = await follow(
      { url, headers, credential: credential ?? null, ...(check === undefined ? {} : { check }) },
      this.#options,
    );
    if (response.status === 416) {
      response.body.destroy();
      this.#forget();
      throw new Retryable(`${response.url.host} refused to go on at byte ${offset}`, { waitMs: 0 });
    }
    // A signed address that has run out: the canonical one gives a new one. Rule 4.
    if (response.status === 403 && response.url.origin !== new URL(url).origin) {
      response.body.destroy();
      throw new Retryable(`${response.url.host} answered 403 (an expired link?)`);
    }
    await requireOk(response, this.#file.statusError);
    await this.#refuseMarkup(response);
    return this.#receive(response, this.#startOf(response, offset));
  }

  /** Content-Range decides where the bytes belong, not the status: some servers answer Range with 200. */
  #startOf(response: HttpResponse, offset: number): number {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header(response, 'content-range') ?? '');
    if (range === null && response.status === 200) return 0;
    const total = range?.[2] === '*' || range === null ? this.#file.size : Number(range[2]);
    if (range !== null && Number(range[1]) === offset && (this.#file.size ?? total) === total)
      return offset;
    response.body.destroy();
    this.#forget();
    throw new Retryable(`${response.url.host} sent another part of the file than asked`, {
      waitMs: 0,
    });
  }

  async #refuseMarkup(response: HttpResponse): Promise<void> {
    const type = header(response, 'content-type') ?? '';
    if (
      this.#file.allowMarkup === true ||
      !/^(text\/html|application\/xhtml|text\/xml|application\/xml)/i.test(type)
    )
      return;
    const body = await readBody(response, progressBytes);
    throw new AxonError(
      'BAD_RESPONSE',
      `${response.url.host} answered a web page (${type}) instead of ${this.#file.label}: ${beginning(body ?? Buffer.alloc(0))}. Is there a login page or proxy in between?`,
    );
  }

  async #receive(response: HttpResponse, start: number): Promise<number> {
    const { size: known, maxBytes, label, dest } = this.#file;
    const length = Number(header(response, 'content-length') ?? Number.NaN);
    const size = known ?? (Number.isNaN(length) ? null : start + length);
    if ((size ?? 0) > maxBytes) throw tooLarge(label, maxBytes);
    requireSpace(path.dirname(dest), (size ?? start) - start);
    this.#writeNote(response, size);
    this.#shown.from(start, size);
    const at = await this.#write(response, start, size ?? maxBytes);
    if (at > maxBytes) throw tooLarge(label, maxBytes);
    if (size !== null && at < size) this.#refusePointer();
    if (size !== null && at < size)
      throw new Retryable(`${response.url.host} ended ${label} after ${at} of ${size} bytes`);
    return at;
  }

  /** Writes the body behind `start`; stops when it is longer than it may be. */
  async #write(response: HttpResponse, start: number, most: number): Promise<number> {
    const handle = await fs.promises.open(this.#part, start === 0 ? 'w' : 'r+');
    let at = start;
    try {
      for await (const chunk of response.body) {
        at += await writeAll(handle, chunk as Buffer, at);
        this.#shown.at(at);
        if (at - start >= progressBytes) this.#progressed();
        if (at > most) break;
      }
    } catch (error) {
      throw isDiskError(error) ? AxonError.from(error) : asRetryable(error, response.url);
    } finally {
      response.body.destroy();
      await handle.close();
    }
    return at;
  }

  async #finish(size: number): Promise<FetchedBytes & { readonly mismatch: string | null }> {
    const { expected, dest, size: known } = this.#file;
    const digest = new Digest(expected, known ?? size);
    const { signal } = this.#options;
    for await (const chunk of fs.createReadStream(this.#part, { signal, highWaterMark: 1 << 20 }))
      digest.update(chunk as Buffer);
    const { sha256, mismatch } = digest.finish();
    const wrong =
      known !== null && digest.bytes !== known
        ? `${known} bytes were stated, ${digest.bytes} arrived`
        : mismatch;
    if (wrong === null) fs.renameSync(this.#part, dest); // Rule 1
    this.#forget();
    return { sha256, size: digest.bytes, mismatch: wrong };
  }

  /** A Git LFS pointer in the file's stead would look like a body that ends early, each time anew. */
  #refusePointer(): void {
    const head = Buffer.alloc(40);
    const fd = fs.openSync(this.#part, 'r');
    fs.readSync(fd, head, 0, head.length, 0);
    fs.closeSync(fd);
    if (!head.toString('latin1').startsWith('version https://git-lfs')) return;
    this.#forget();
    throw new AxonError(
      'BAD_RESPONSE',
      `The source sent a Git LFS pointer instead of ${this.#file.label} itself. Nothing was installed; tell the source.`,
    );
  }

  #partSize(): number {
    return fs.existsSync(this.#part) ? fs.statSync(this.#part).size : 0;
  }

  #hashText(): string | null {
    const { expected } = this.#file;
    return expected === null ? null : `${expected.algorithm}:${expected.hex}`;
  }

  /** The note, if it is about the same thing and can be gone on with. Rule 2. */
  #readNote(): PartNote | null {
    try {
      const note = JSON.parse(fs.readFileSync(this.#note, 'utf8')) as PartNote;
      const same = note.url === this.#file.url && note.hash === this.#hashText();
      return same && (note.hash !== null || note.etag !== null) ? note : null;
    } catch {
      return null;
    }
  }

  #writeNote(response: HttpResponse, size: number | null): void {
    const tag = header(response, 'etag');
    // Where the source states a hash, an ETag adds nothing; that of a content network may even differ.
    const etag = this.#file.expected === null && tag?.startsWith('"') ? tag : null;
    const note: PartNote = { url: this.#file.url, size, hash: this.#hashText(), etag };
    fs.writeFileSync(this.#note, JSON.stringify(note));
  }

  #forget(): void {
    fs.rmSync(this.#part, { force: true });
    fs.rmSync(this.#note, { force: true });
  }
}

function tooLarge(label: string, maxBytes: number): AxonError {
  return new AxonError(
    'UNSAFE_PACKAGE',
    `${label} has more than ${maxBytes} bytes, the most that axon takes.`,
  );
}

async function writeAll(
  handle: fs.promises.FileHandle,
  chunk: Buffer,
  position: number,
): Promise<number> {
  let done = 0;
  while (done < chunk.length) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
  return done;
}

function isDiskError(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG', 'EROFS'].includes(errnoOf(error) ?? '');
}
