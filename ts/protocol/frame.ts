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

/**
 * Cuts a byte stream into frames. Memory: at most one frame of `maxBytes`, and only as much of it as
 * has really arrived, whatever its header announces.
 */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #onFrame: (payload: Buffer) => void;
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Payload length of the frame under way, or null while its header is not whole. */
  #length: number | null = null;

  constructor(options: { readonly maxBytes: number; readonly onFrame: (payload: Buffer) => void }) {
    this.#maxBytes = options.maxBytes;
    this.#onFrame = options.onFrame;
  }

  /** True where a frame has begun and is not whole. */
  get partial(): boolean {
    return this.#buffered > 0 || this.#length !== null;
  }

  /** Takes what arrived. Throws PAYLOAD_TOO_LARGE or INVALID_FRAME; the stream is then unusable. */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.byteLength > 0) {
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

  #take(part: Buffer, want: number): void {
    this.#chunks.push(part);
    this.#buffered += part.byteLength;
    if (part.byteLength < want) return;
    const whole = this.#chunks.length === 1 ? part : Buffer.concat(this.#chunks, this.#buffered);
    this.#chunks = [];
    this.#buffered = 0;
    if (this.#length === null) {
      this.#setLength(whole.readUInt32BE(0));
      return;
    }
    this.#length = null;
    this.#onFrame(whole);
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
