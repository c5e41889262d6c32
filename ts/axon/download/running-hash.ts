import type fs from 'node:fs';
import { Digest } from './digest.ts';
import type { ExpectedHash } from './options.ts';

const readBytes = 1024 * 1024;

/**
 * Hashes a file while it grows. Bytes that arrive in order are taken as they come; what was there before,
 * or came ahead of its turn, is read behind the writers, where it is still in memory.
 */
export class RunningHash {
  readonly #handle: fs.promises.FileHandle;
  readonly #expected: ExpectedHash | null;
  readonly #size: number | null;
  #digest: Digest | null = null;
  #at = 0;
  #target = 0;
  #reading: Promise<void> | null = null;
  #buffer: Buffer | null = null;

  constructor(handle: fs.promises.FileHandle, expected: ExpectedHash | null, size: number | null) {
    this.#handle = handle;
    this.#expected = expected;
    this.#size = size;
    this.#begin();
  }

  /** Git's blob hash begins with the size: without it, all is hashed at the end. */
  #begin(): void {
    const early = this.#expected?.algorithm !== 'git-sha1' || this.#size !== null;
    this.#digest = early ? new Digest(this.#expected, this.#size) : null;
    this.#at = 0;
    this.#target = 0;
  }

  /** Bytes on their way to the file. */
  take(chunk: Buffer, at: number): void {
    if (this.#digest === null || this.#reading !== null || at !== this.#at) return;
    this.#digest.update(chunk);
    this.#at += chunk.length;
  }

  /** All bytes before `frontier` are in the file. */
  follow(frontier: number): void {
    this.#target = Math.max(this.#target, frontier);
    if (this.#digest === null || this.#reading !== null || this.#at >= this.#target) return;
    this.#reading = this.#read(this.#digest).finally(() => {
      this.#reading = null;
    });
    // Who asks for the result gets the error.
    this.#reading.catch(() => undefined);
  }

  async #read(digest: Digest): Promise<void> {
    this.#buffer ??= Buffer.allocUnsafe(readBytes);
    while (this.#at < this.#target) {
      const most = Math.min(readBytes, this.#target - this.#at);
      const { bytesRead } = await this.#handle.read(this.#buffer, 0, most, this.#at);
      if (bytesRead === 0) throw new Error('the part became shorter while it was hashed');
      digest.update(this.#buffer.subarray(0, bytesRead));
      this.#at += bytesRead;
    }
  }

  /** The file starts over. */
  async restart(): Promise<void> {
    this.#target = 0; // Ends the reading.
    await this.#reading?.catch(() => undefined);
    this.#begin();
  }

  async finish(size: number): Promise<ReturnType<Digest['finish']>> {
    this.#digest ??= new Digest(this.#expected, size);
    while (this.#at < size) {
      this.follow(size);
      await this.#reading;
    }
    return this.#digest.finish();
  }

  /** Nobody wants the result: lets the file be closed. */
  async stop(): Promise<void> {
    this.#target = 0;
    await this.#reading?.catch(() => undefined);
  }
}
