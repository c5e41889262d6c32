import { MlosError } from '../protocol/errors.ts';

/** Lets so many pieces of work run at once; others wait in the order in which they came. */
export class Turns {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #what: string;
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  /** `what` begins the sentence of a refusal: "m/x writes". */
  constructor(options: {
    readonly atOnce: number;
    readonly waiting?: number;
    readonly what: string;
  }) {
    this.#atOnce = options.atOnce;
    this.#mostWaiting = options.waiting ?? Number.POSITIVE_INFINITY;
    this.#what = options.what;
  }

  /** Errors: TOO_MANY_REQUESTS, CANCELLED, those of `work`. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled();
    if (this.#busy < this.#atOnce) {
      this.#busy += 1;
      return;
    }
    if (this.#waiting.length >= this.#mostWaiting) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `${this.#what} ${this.#atOnce} at once, and ${this.#waiting.length} wait already.`,
      );
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(cancelled());
      };
      this.#waiting.push(enter);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Its place is the next one's. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy -= 1;
    else next();
  }
}

function cancelled(): MlosError {
  return new MlosError('CANCELLED', 'The request was cancelled by its caller.');
}
