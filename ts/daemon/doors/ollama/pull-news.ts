import type { PulledFile } from './puller.ts';

const quietMs = 4_000;

/**
 * How far the files of a pull are, for a client that reads at its own pace: of each file the latest waits, so that
 * a slow one costs no more than their number.
 */
export class PullNews {
  readonly #waiting = new Map<string, PulledFile>();
  #last: PulledFile | null = null;
  #isOver = false;
  #wake: () => void = () => undefined;

  put(file: PulledFile): void {
    this.#waiting.set(file.name, file);
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** Until the end. What was said last comes again while nothing is new; null where nothing was. */
  async *files(): AsyncGenerator<PulledFile | null, void, void> {
    for (;;) {
      const [next] = this.#waiting.values();
      if (next !== undefined) {
        this.#waiting.delete(next.name);
        this.#last = next;
        yield next;
      } else if (this.#isOver) return;
      else if (!(await this.#news())) yield this.#last;
    }
  }

  /** Whether something came before it was quiet for too long. */
  #news(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, quietMs, false);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
