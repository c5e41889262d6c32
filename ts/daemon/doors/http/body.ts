import { MlosError } from '../../../protocol/errors.ts';
import type { ByteBudget } from '../byte-budget.ts';

export function bodyTooLarge(received: number | null, maxBytes: number): MlosError {
  const size = received === null ? 'The body' : `The body of ${received} bytes`;
  return new MlosError(
    'PAYLOAD_TOO_LARGE',
    `${size} is larger than the limit of ${maxBytes} bytes.`,
    { details: { limit: maxBytes } },
  );
}

/**
 * Collects a request body up to a limit. Holds at most twice what has arrived, whatever was announced.
 * Whoever makes one ends it by `take` or `drop`: until then its bytes count against the door's budget.
 */
export class BodyCollector {
  readonly #maxBytes: number;
  readonly #budget: ByteBudget;
  /** What the head announces, or 0. */
  readonly #announced: number;
  #buffer: Buffer | null = null;
  #bytes = 0;
  #held = 0;

  constructor(maxBytes: number, budget: ByteBudget, announced = 0) {
    this.#maxBytes = maxBytes;
    this.#budget = budget;
    this.#announced = announced;
  }

  /** Copies the chunk. The error where a limit is passed; everything collected is let go then. */
  push(chunk: Buffer): MlosError | null {
    const bytes = this.#bytes + chunk.byteLength;
    if (bytes > this.#maxBytes) {
      this.drop();
      return bodyTooLarge(null, this.#maxBytes);
    }
    if (bytes > (this.#buffer?.byteLength ?? 0) && !this.#grow(bytes)) {
      this.drop();
      return new MlosError(
        'TOO_MANY_REQUESTS',
        'Too many large request bodies are arriving at once; try again later.',
      );
    }
    if (chunk.byteLength > 0) this.#buffer?.set(chunk, this.#bytes);
    this.#bytes = bytes;
    return null;
  }

  get empty(): boolean {
    return this.#bytes === 0;
  }

  /** Whether a body that is whole in one chunk is small enough; it is not collected. */
  checkWhole(chunk: Buffer): MlosError | null {
    return chunk.byteLength > this.#maxBytes ? bodyTooLarge(null, this.#maxBytes) : null;
  }

  /** The body, its caller's to keep. */
  take(): Buffer {
    const whole = this.#buffer?.subarray(0, this.#bytes) ?? Buffer.alloc(0);
    this.drop();
    return whole;
  }

  /** Idempotent. */
  drop(): void {
    this.#budget.give(this.#held);
    this.#held = 0;
    this.#bytes = 0;
    this.#buffer = null;
  }

  /** To what is announced where that is near; else by doubling, so that each byte is moved once or twice. */
  #grow(bytes: number): boolean {
    const wanted = Math.min(2 * bytes, this.#maxBytes);
    const size = this.#announced >= bytes ? Math.min(this.#announced, wanted) : wanted;
    if (!this.#budget.take(size - this.#held)) return false;
    this.#held = size;
    const larger = Buffer.allocUnsafe(size);
    if (this.#buffer !== null) larger.set(this.#buffer.subarray(0, this.#bytes));
    this.#buffer = larger;
    return true;
  }
}
