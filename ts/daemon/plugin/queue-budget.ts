import { MlosError } from '../../protocol/errors.ts';
import type { HostLimits } from './host-limits.ts';

/** What may wait for one plugin process, in number and in bytes, whichever model it is for. */
export class QueueBudget {
  readonly #limits: HostLimits;
  #count = 0;
  #bytes = 0;

  constructor(limits: HostLimits) {
    this.#limits = limits;
  }

  /** Throws TOO_MANY_REQUESTS where there is no room for one more of so many bytes. */
  take(bytes: number): void {
    const { pluginQueue, pluginQueueBytes } = this.#limits;
    if (this.#count >= pluginQueue) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `${this.#count} requests wait for this plugin already; the limit is ${pluginQueue}.`,
      );
    }
    // A request that is alone may be as large as its way takes; a queue of such may not.
    if (this.#count > 0 && this.#bytes + bytes > pluginQueueBytes) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `Requests of ${this.#bytes} bytes wait for this plugin already; the limit is ${pluginQueueBytes}.`,
      );
    }
    this.takeBack(bytes);
  }

  /** For what was accepted before and waits again: never refused. */
  takeBack(bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    this.#count -= 1;
    this.#bytes -= bytes;
  }
}
