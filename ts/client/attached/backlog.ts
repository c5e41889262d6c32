import type { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Call } from './call.ts';

/** Places of calls that have gone are kept until there are so many of them. */
const maxGone = 1_024;

/**
 * Calls that wait to be sent, in order: for room, or for the model to be attached. They are their
 * own process's, which holds a promise for each, so there is no bound here. While some wait the
 * process keeps running.
 */
export class Backlog {
  #calls: Call[] = [];
  /** Calls before this one have gone. */
  #first = 0;
  #keeper: NodeJS.Timeout | null = null;

  get isEmpty(): boolean {
    return this.#first === this.#calls.length;
  }

  /** The calls that wait. */
  list(): Call[] {
    return this.#calls.slice(this.#first);
  }

  add(call: Call): void {
    this.#calls.push(call);
    this.#keep();
  }

  /** Calls that were sent and have to be sent again: before all others. */
  putBack(calls: readonly Call[]): void {
    if (calls.length === 0) return;
    if (calls.length > this.#first) this.#replace([...calls, ...this.list()]);
    else for (const call of calls.toReversed()) this.#calls[--this.#first] = call;
    this.#keep();
  }

  /** Sends from the front until `send` says that the next one has to wait. */
  flush(send: (call: Call) => boolean): void {
    while (!this.isEmpty) {
      const call = this.#calls[this.#first] as Call;
      // Out first: sending may put other calls in its place.
      this.#first++;
      if (call.settled || send(call)) continue;
      this.putBack([call]);
      break;
    }
    if (this.#first >= maxGone && this.#first * 2 >= this.#calls.length) this.#replace(this.list());
    this.#keep();
  }

  rejectAll(reason: MlosError): void {
    const calls = this.list();
    this.#replace([]);
    for (const call of calls) call.reject(reason);
  }

  /** Forgets the calls whose callers have given up. */
  dropSettled(): void {
    this.#replace(this.list().filter((call) => !call.settled));
  }

  #replace(calls: Call[]): void {
    this.#calls = calls;
    this.#first = 0;
    this.#keep();
  }

  #keep(): void {
    if (!this.isEmpty) {
      this.#keeper ??= setInterval(() => this.dropSettled(), limits.reattachMaxMs);
    } else if (this.#keeper !== null) {
      clearInterval(this.#keeper);
      this.#keeper = null;
    }
  }
}
