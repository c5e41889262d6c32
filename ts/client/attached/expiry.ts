/** The longest delay of a timer, in ms. */
const maxDelayMs = 2 ** 31 - 1;

/**
 * One timer for many deadlines: it stands at the earliest that was named since it last rang. Calls
 * mostly end long before their deadlines, so a timer each would be set and taken back for nothing.
 */
export class Expiry {
  readonly #onTime: (nowMs: number) => number;
  #timer: NodeJS.Timeout | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  /** `onTime` deals with what is over and returns the earliest deadline that remains. */
  constructor(onTime: (nowMs: number) => number) {
    this.#onTime = onTime;
  }

  include(deadlineMs: number): void {
    if (deadlineMs >= this.#atMs) return;
    clearTimeout(this.#timer);
    this.#atMs = deadlineMs;
    const delay = Math.min(Math.ceil(deadlineMs - performance.now()), maxDelayMs);
    this.#timer = setTimeout(this.#ring, Math.max(0, delay));
    // Whatever is waited for keeps the process running by itself.
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#atMs = Number.POSITIVE_INFINITY;
  }

  readonly #ring = () => {
    this.#atMs = Number.POSITIVE_INFINITY;
    this.include(this.#onTime(performance.now()));
  };
}
