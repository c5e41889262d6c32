import { errnoOf } from '../axon-error.ts';

/*
 * What waits for the disk is in memory only: a kill loses it, and it is fetched again. Four connections
 * with twice this (what waits, and what is being written) stay within half a per cent of a large file.
 */
const waitingShare = 1600;
const leastWaiting = 64 * 1024;
const mostWaiting = 1024 * 1024;

/** Writes what arrives as soon as the write before it is done, all that has gathered by then at once. */
export class Pump {
  readonly #write: (chunks: readonly Buffer[], at: number) => Promise<void>;
  readonly #most: number;
  #at: number;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #running: Promise<void> | null = null;
  #failure: unknown = null;

  /** `size` of the whole file, as far as it is known. */
  constructor(
    at: number,
    size: number | null,
    write: (chunks: readonly Buffer[], at: number) => Promise<void>,
  ) {
    this.#at = at;
    this.#most = Math.min(mostWaiting, Math.max(leastWaiting, (size ?? 0) / waitingShare));
    this.#write = write;
  }

  /** true: more may come; a promise: when it may. */
  add(chunk: Buffer): true | Promise<void> {
    this.#waiting.push(chunk);
    this.#bytes += chunk.length;
    this.#running ??= this.#drain();
    return this.#bytes >= this.#most || this.#failure !== null ? this.flush() : true;
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

export function isDiskError(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG', 'EROFS'].includes(errnoOf(error) ?? '');
}
