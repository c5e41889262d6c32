import {
  type GenerationEvent,
  joinGenerationEvents,
  readGenerationEvent,
} from '../../protocol/tasks/generation-event.ts';
import type { RequestContext } from '../request-context.ts';

/** Events that wait apart; what comes beyond is joined to the last, so that a slow client costs no more than the text. */
const apart = 64;

/**
 * What a request says before its answer, and the answer, for a door that sends both at its client's pace.
 * What waits here is no more than the answer itself is going to hold.
 */
export class ToldEvents {
  /** The answer. */
  readonly result: Promise<unknown>;
  /** The first event is here, or the answer is. Rejects where an error was the first thing to come. */
  readonly begun: Promise<void>;
  #waiting: GenerationEvent[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  /** Runs `call`; nobody else may listen to the context. */
  constructor(context: RequestContext, call: () => unknown) {
    let begin: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      begin = resolve;
    });
    context.listen((event) => {
      this.#keep(readGenerationEvent(event));
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
  async *events(): AsyncGenerator<GenerationEvent, void, void> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#isOver) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #keep(event: GenerationEvent): void {
    const last = this.#waiting.length >= apart ? this.#waiting.pop() : undefined;
    this.#waiting.push(last === undefined ? event : joinGenerationEvents(last, event));
  }
}
