function ignore(): void {}

/** Runs tasks of one key one after the other, of different keys side by side. */
export class KeyedQueue {
  /** The last task of each busy key, settled or not. */
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Keys with work. */
  get size(): number {
    return this.#tails.size;
  }

  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(task);
    // The next in line waits for the end of this one, however it ends; its caller has the error.
    const tail: Promise<void> = result.then(ignore, ignore);
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return result;
  }
}
