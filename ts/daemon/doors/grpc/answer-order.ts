import type { ServerDuplexStream } from '@grpc/grpc-js';
import { limits } from '../../../protocol/limits.ts';

/**
 * The answers of a stream in the order of its requests, with bounds in both directions: no more than
 * `limits.grpcStreamInFlight` requests are under way, and nothing is read while the client does not read.
 */
export class AnswerOrder {
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #slots: { answer: Buffer | null }[] = [];
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
  open(): (answer: Buffer) => void {
    const slot: { answer: Buffer | null } = { answer: null };
    this.#slots.push(slot);
    if (this.#slots.length >= limits.grpcStreamInFlight) this.#call.pause();
    return (answer) => {
      slot.answer = answer;
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
    while (!this.#isOver && !this.#isBlocked) {
      const answer = this.#slots[0]?.answer ?? null;
      if (answer === null) break;
      this.#slots.shift();
      this.#isBlocked = !this.#call.write(answer);
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
