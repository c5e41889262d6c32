import type { Clock, Timer } from './clock.ts';

interface Entry {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that stands until a test moves it. */
export class FakeClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<Entry>();

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Timer {
    const entry: Entry = { at: this.#now + Math.max(0, ms), run };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  /** Milliseconds until each timer, soonest first. */
  get pending(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Moves on, running what falls due in its order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
  }
}
