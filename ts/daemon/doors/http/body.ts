/** Collects a request body up to a limit. Holds only what has arrived, whatever was announced. */
export class BodyCollector {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False where the limit is passed; everything collected is let go then. `chunk` is kept. */
  push(chunk: Buffer): boolean {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#maxBytes) {
      this.#chunks = [];
      return false;
    }
    if (chunk.byteLength > 0) this.#chunks.push(chunk);
    return true;
  }

  take(): Buffer {
    const [only] = this.#chunks;
    const whole = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
    this.#chunks = [];
    return whole;
  }
}
