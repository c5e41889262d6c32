import type { FileHandle } from 'node:fs/promises';

const pieceBytes = 1024 * 1024;

/** Bytes in order. What is asked for and not there is the caller's error to name. */
export interface ByteSource {
  /** Up to `count` bytes: fewer only at the end. */
  take(count: number): Promise<Buffer>;
  /** At least one and at most `count` bytes; none at the end. */
  some(count: number): Promise<Buffer>;
  /** Goes on behind `count` bytes; false where there are fewer. */
  skip(count: number): Promise<boolean>;
}

/** A file as it is: what is skipped is not read. */
export class FileBytes implements ByteSource {
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #signal: AbortSignal;
  #at = 0;

  constructor(handle: FileHandle, size: number, signal: AbortSignal) {
    this.#handle = handle;
    this.#size = size;
    this.#signal = signal;
  }

  get position(): number {
    return this.#at;
  }

  async take(count: number): Promise<Buffer> {
    this.#signal.throwIfAborted();
    const buffer = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count) {
      const { bytesRead } = await this.#handle.read(buffer, filled, count - filled, this.#at);
      if (bytesRead === 0) break;
      filled += bytesRead;
      this.#at += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  some(count: number): Promise<Buffer> {
    return this.take(Math.min(count, pieceBytes));
  }

  async skip(count: number): Promise<boolean> {
    this.#at += count;
    return this.#at <= this.#size;
  }
}

/** A stream, such as what an archive unpacks to. */
export class StreamBytes implements ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async some(count: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return this.#rest;
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async take(count: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let left = count;
    while (left > 0) {
      const piece = await this.some(left);
      if (piece.length === 0) break;
      pieces.push(piece);
      left -= piece.length;
    }
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
  }

  async skip(count: number): Promise<boolean> {
    let left = count;
    while (left > 0) {
      const piece = await this.some(left);
      if (piece.length === 0) return false;
      left -= piece.length;
    }
    return true;
  }
}
