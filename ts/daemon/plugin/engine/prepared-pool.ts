import type { Priority } from '../../../native/channel-layout.ts';
import type { ClientChannel, PreparedRequest } from '../../../native/client-channel.ts';
import type { PackedRequest } from './packed-request.ts';

/**
 * Blocks of a channel's arena that hold the description of a request already: most requests for one
 * model look alike but for their elements.
 */
export class PreparedPool {
  readonly #channel: ClientChannel;
  readonly #priority: Priority;
  readonly #idle = new Map<string, PreparedRequest[]>();

  constructor(channel: ClientChannel, priority: Priority) {
    this.#channel = channel;
    this.#priority = priority;
  }

  /** A block for the request, described, its inputs not yet written; null: there is no room now. */
  take(request: PackedRequest): PreparedRequest | null {
    const idle = this.#idle.get(request.key)?.pop();
    if (idle !== undefined) return idle;
    const fresh = this.#prepare(request);
    if (fresh !== null || this.#idle.size === 0) return fresh;
    // What lies idle may be in the way.
    this.#drop();
    return this.#prepare(request);
  }

  /** Its request has been answered. */
  give(request: PackedRequest, prepared: PreparedRequest): void {
    const idle = this.#idle.get(request.key);
    if (idle === undefined) this.#idle.set(request.key, [prepared]);
    else idle.push(prepared);
  }

  #prepare({ slots, outputs, priority = this.#priority }: PackedRequest): PreparedRequest | null {
    return this.#channel.prepare(slots, { outputs, priority });
  }

  #drop(): void {
    for (const idle of this.#idle.values()) for (const prepared of idle) prepared.free();
    this.#idle.clear();
  }
}
