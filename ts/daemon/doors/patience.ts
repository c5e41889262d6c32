/** Something that a client owes: the rest of its request, or a request at all. */
export interface Owed {
  /** Whether it has come nearer since it was asked last. */
  readonly moves?: () => boolean;
  readonly giveUp: () => void;
}

/** Within the time of one wait. It takes one part longer at most. */
const looks = 16;

/**
 * Waits for clients, for each as long, and gives up on those that do not move. It counts looks and not
 * the time: where this process itself stood still, that was not their doing. Its timer runs only while
 * somebody is waited for.
 */
export class Patience {
  readonly #everyMs: number;
  readonly #waits = new Map<Owed, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(maxMs: number) {
    this.#everyMs = Math.max(1, maxMs / looks);
  }

  /** From now on. Who waits already begins anew. */
  wait(owed: Owed): void {
    this.#waits.set(owed, 0);
    this.#timer ??= setInterval(() => this.#look(), this.#everyMs).unref();
  }

  /** It has come, or nobody wants it any more. Idempotent. */
  stop(owed: Owed): void {
    this.#waits.delete(owed);
  }

  #look(): void {
    for (const [owed, seen] of this.#waits) {
      if (seen < looks) {
        this.#waits.set(owed, seen + 1);
      } else if (owed.moves?.() === true) {
        this.#waits.set(owed, 0);
      } else {
        this.#waits.delete(owed);
        owed.giveUp();
      }
    }
    if (this.#waits.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
