import {
  type GenerationEvent,
  joinGenerationEvents,
  wireGenerationEvent,
} from '../../protocol/tasks/generation-event.ts';

/**
 * Events so close to each other go out as one: nobody sees a difference, and each of them costs a plugin, the daemon
 * and an app more than a small model's token.
 */
const togetherMs = 1;

export class EventsTogether {
  readonly #emit: (event: Readonly<Record<string, unknown>>) => void;
  #held: GenerationEvent | null = null;
  #timer: NodeJS.Timeout | null = null;
  #last = Number.NEGATIVE_INFINITY;

  constructor(emit: (event: Readonly<Record<string, unknown>>) => void) {
    this.#emit = emit;
  }

  add(event: GenerationEvent): void {
    this.#held = this.#held === null ? event : joinGenerationEvents(this.#held, event);
    if (performance.now() - this.#last >= togetherMs) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), togetherMs);
  }

  /** What is held goes out now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#held === null) return;
    this.#emit(wireGenerationEvent(this.#held));
    this.#held = null;
    this.#last = performance.now();
  }
}
