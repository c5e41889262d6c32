import type { RequestContext } from '../request-context.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * What a request says before its answer, and the answer, for a door that sends both at its client's pace.
 * What waits here is no more than the answer itself is going to hold.
 */
export class ToldEvents {
  /** The answer. */
  readonly result: Promise<unknown>;
  /** The first event is here, or the answer is. Rejects where an error was the first thing to come. */
  readonly begun: Promise<void>;
  #waiting: Fields[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  /** Runs `call`; nobody else may listen to the context. */
  constructor(context: RequestContext, call: () => unknown) {
    let begin: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      begin = resolve;
    });
    context.listen((event) => {
      this.#waiting.push(event);
      begin();
      this.#wake();
    });
    this.result = (async () => call())();
    const end = () => {
      this.#isOver = true;
      this.#wake();
    };
    this.result.then(end, end);
    this.begun = Promise.race([first, this.result.then(() => undefined)]);
    // Whoever takes neither of them is not told of the error by the process.
    this.begun.catch(() => undefined);
  }

  /** The events in their order, until the answer is there or never will be. */
  async *events(): AsyncGenerator<Fields, void, void> {
    for (;;) {
      const next = this.#waiting;
      this.#waiting = [];
      yield* next;
      if (this.#waiting.length > 0) continue;
      if (this.#isOver) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
