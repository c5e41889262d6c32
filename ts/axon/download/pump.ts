/** As much of a body as may wait for the disk. */
const mostWaiting = 1024 * 1024;

/** Writes what arrives as soon as the write before it is done, all that has gathered by then at once. */
export class Pump {
  readonly #write: (chunks: readonly Buffer[], at: number) => Promise<void>;
  #at: number;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #running: Promise<void> | null = null;
  #failure: unknown = null;

  constructor(at: number, write: (chunks: readonly Buffer[], at: number) => Promise<void>) {
    this.#at = at;
    this.#write = write;
  }

  /** Resolves when more may come. */
  async add(chunk: Buffer): Promise<void> {
    this.#waiting.push(chunk);
    this.#bytes += chunk.length;
    this.#running ??= this.#drain();
    if (this.#bytes > mostWaiting || this.#failure !== null) await this.flush();
  }

  /** Resolves when all is written, throws what went wrong. */
  async flush(): Promise<void> {
    await this.#running;
    if (this.#failure !== null) throw this.#failure;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting;
        const at = this.#at;
        const bytes = this.#bytes;
        this.#waiting = [];
        this.#bytes = 0;
        await this.#write(batch, at);
        this.#at = at + bytes;
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#running = null;
    }
  }
}
