import { MlosError } from './errors.ts';

/**
 * Framing on stream sockets: a 4-byte big-endian length, then that many bytes of msgpack. The same
 * frames join clients to the daemon and the daemon to its plugin processes.
 *
 *     00 00 00 0a  93 01 aa 68 65 61 6c 74 68 2e …
 *     length = 10  payload
 */
export const frameHeaderBytes = 4;

/** Prefixes a payload with its length. One buffer, so that the kernel sees one write. */
export function frame(payload: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(frameHeaderBytes + payload.byteLength);
  out.writeUInt32BE(payload.byteLength, 0);
  out.set(payload, frameHeaderBytes);
  return out;
}

/** What several readers share, so that their unfinished frames are bounded together. */
export interface FrameBudget {
  /** False where so many bytes are not left; nothing is taken then. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

export interface FrameReaderOptions {
  readonly maxBytes: number;
  readonly onFrame: (payload: Buffer) => void;
  /** Counts the bytes of an unfinished frame, until it is whole or dropped. */
  readonly budget?: FrameBudget;
}

/**
 * Cuts a byte stream into frames. Memory: at most one frame of `maxBytes`, and only as much of it as
 * has really arrived, whatever its header announces.
 */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #onFrame: (payload: Buffer) => void;
  readonly #budget: FrameBudget | null;
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Payload length of the frame under way, or null while its header is not whole. */
  #length: number | null = null;
  #dropped = false;

  constructor(options: FrameReaderOptions) {
    this.#maxBytes = options.maxBytes;
    this.#onFrame = options.onFrame;
    this.#budget = options.budget ?? null;
  }

  /** True where a frame has begun and is not whole. */
  get partial(): boolean {
    return this.#buffered > 0 || this.#length !== null;
  }

  /** Bytes up to the end of the header or payload under way; 0 after drop(). */
  get wanted(): number {
    return this.#dropped ? 0 : (this.#length ?? frameHeaderBytes) - this.#buffered;
  }

  /**
   * Takes what arrived. Throws PAYLOAD_TOO_LARGE, INVALID_FRAME or, where the budget is spent,
   * TOO_MANY_REQUESTS; the stream is then unusable.
   */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.byteLength > 0 && !this.#dropped) {
      // Nothing waits and a whole frame is here: no copy, no list.
      if (this.#buffered === 0 && this.#length === null && rest.byteLength >= frameHeaderBytes) {
        this.#setLength(rest.readUInt32BE(0));
        rest = rest.subarray(frameHeaderBytes);
        continue;
      }
      const want = (this.#length ?? frameHeaderBytes) - this.#buffered;
      const part = rest.subarray(0, want);
      rest = rest.subarray(part.byteLength);
      this.#take(part, want);
    }
  }

  /** Lets an unfinished frame go and reads no more, not even the rest of a push under way. Idempotent. */
  drop(): void {
    this.#dropped = true;
    this.#length = null;
    this.#release();
  }

  #take(part: Buffer, want: number): void {
    if (part.byteLength < want) {
      this.#hold(part);
      return;
    }
    const whole = this.#buffered === 0 ? part : this.#joined(part);
    this.#release();
    if (this.#length === null) {
      this.#setLength(whole.readUInt32BE(0));
      return;
    }
    this.#length = null;
    this.#onFrame(whole);
  }

  #hold(part: Buffer): void {
    if (this.#budget !== null && !this.#budget.take(part.byteLength)) {
      this.drop();
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        'Too many large frames are arriving at once; try again later.',
      );
    }
    this.#chunks.push(part);
    this.#buffered += part.byteLength;
  }

  #joined(last: Buffer): Buffer {
    this.#chunks.push(last);
    return Buffer.concat(this.#chunks);
  }

  #release(): void {
    if (this.#buffered === 0) return;
    this.#budget?.give(this.#buffered);
    this.#chunks = [];
    this.#buffered = 0;
  }

  #setLength(length: number): void {
    if (length > this.#maxBytes) {
      throw new MlosError(
        'PAYLOAD_TOO_LARGE',
        `A frame announces ${length} bytes; the limit is ${this.#maxBytes}.`,
      );
    }
    if (length === 0) throw new MlosError('INVALID_FRAME', 'A frame is empty.');
    this.#length = length;
  }
}
