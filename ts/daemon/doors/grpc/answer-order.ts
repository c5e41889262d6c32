import type { ServerDuplexStream } from '@grpc/grpc-js';
import { limits } from '../../../protocol/limits.ts';

/** One request of a stream: its answers, all of them, when they are there. */
export type Slot = readonly Buffer[] | null;

/**
 * The answers of a stream in the order of its requests, with bounds in both directions: no more than
 * `limits.grpcStreamInFlight` requests are under way, and nothing is read while the client does not read.
 */
export class AnswerOrder {
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #slots: { answers: Slot }[] = [];
  #isEnding = false;
  #isBlocked = false;
  #isOver = false;

  constructor(call: ServerDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    call.on('drain', () => {
      this.#isBlocked = false;
      this.#flush();
    });
  }

  /** A place in the order; the function fills it, once. */
  open(): (answers: readonly Buffer[]) => void {
    const slot: { answers: Slot } = { answers: null };
    this.#slots.push(slot);
    if (this.#slots.length >= limits.grpcStreamInFlight) this.#call.pause();
    return (answers) => {
      slot.answers = answers;
      this.#flush();
    };
  }

  /** No more requests: the stream ends after the last answer. */
  end(): void {
    this.#isEnding = true;
    this.#flush();
  }

  /** The caller is gone: nothing is written any more. */
  abandon(): void {
    this.#isOver = true;
    this.#slots.length = 0;
  }

  #flush(): void {
    while (!this.#isOver && !this.#isBlocked && this.#slots[0]?.answers) {
      for (const answer of this.#slots.shift()?.answers ?? []) {
        this.#isBlocked = !this.#call.write(answer) || this.#isBlocked;
      }
    }
    if (this.#isOver) return;
    if (this.#slots.length === 0 && this.#isEnding) {
      this.#isOver = true;
      this.#call.end();
    } else if (!this.#isBlocked && this.#slots.length < limits.grpcStreamInFlight) {
      this.#call.resume();
    }
  }
}
