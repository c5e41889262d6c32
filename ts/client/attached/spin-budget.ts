/**
 * Decides whether the request that is about to be sent is waited for by spinning.
 *
 * 1. Only while nothing else is under way: what is asked for in a burst is pipelined.
 * 2. Only while that pays: a miss doubles the number of requests that do not try, a hit forgets it.
 * 3. Not for ever: whoever awaits one answer after the other never leaves the microtasks, so after
 *    some of them the event loop gets its turn.
 */
const maxSpinUs = 20;
/** Answers taken by spinning in one turn of the event loop; some hundred microseconds. */
const maxPerTurn = 64;
const maxSkips = 64;

const soon = Promise.resolve();

export class SpinBudget {
  readonly #spinUs: number;
  #skips = 0;
  #penalty = 0;
  #takenInTurn = 0;
  #inBurst = false;

  /** `spinUs`: what the daemon allows; 0 on hosts where spinning never pays. */
  constructor(spinUs: number) {
    this.#spinUs = Math.min(spinUs, maxSpinUs);
  }

  /** Whether this host spins at all. */
  get allowed(): boolean {
    return this.#spinUs > 0;
  }

  /** Microseconds; 0: do not spin. The caller tells how it went. */
  next(): number {
    if (this.#inBurst || this.#takenInTurn >= maxPerTurn || this.#spinUs === 0) return 0;
    if (this.#skips > 0) {
      this.#skips--;
      return 0;
    }
    this.#inBurst = true;
    // Whoever awaits this answer goes on in a microtask; a burst does not let one run.
    soon.then(this.#endBurst);
    return this.#spinUs;
  }

  hit(): void {
    this.#penalty = 0;
    if (this.#takenInTurn++ === 0) setImmediate(this.#endTurn);
  }

  miss(): void {
    this.#penalty = Math.min(this.#penalty * 2 + 1, maxSkips);
    this.#skips = this.#penalty;
  }

  readonly #endBurst = () => {
    this.#inBurst = false;
  };

  readonly #endTurn = () => {
    this.#takenInTurn = 0;
  };
}
