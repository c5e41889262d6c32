import { MlosError } from '../../../protocol/errors.ts';
import type { ByteBudget } from '../byte-budget.ts';
import { bodyTooLarge } from './codec.ts';

/**
 * Collects a request body up to a limit. Holds only what has arrived, whatever was announced. Whoever
 * makes one ends it by `take` or `drop`: until then its bytes count against the door's budget.
 */
export class BodyCollector {
  readonly #maxBytes: number;
  readonly #budget: ByteBudget;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number, budget: ByteBudget) {
    this.#maxBytes = maxBytes;
    this.#budget = budget;
  }

  /** The error where a limit is passed; everything collected is let go then. `chunk` is kept. */
  push(chunk: Buffer): MlosError | null {
    if (this.#bytes + chunk.byteLength > this.#maxBytes) {
      this.drop();
      return bodyTooLarge(null, this.#maxBytes);
    }
    if (!this.#budget.take(chunk.byteLength)) {
      this.drop();
      return new MlosError(
        'TOO_MANY_REQUESTS',
        'Too many large request bodies are arriving at once; try again later.',
      );
    }
    this.#bytes += chunk.byteLength;
    if (chunk.byteLength > 0) this.#chunks.push(chunk);
    return null;
  }

  take(): Buffer {
    const [only] = this.#chunks;
    const whole = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
    this.drop();
    return whole;
  }

  /** Idempotent. */
  drop(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
    this.#chunks = [];
  }
}
