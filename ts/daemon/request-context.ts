import { randomBytes } from 'node:crypto';

export type DoorName = 'http' | 'ipc';

const processPrefix = randomBytes(4).toString('hex');
let counter = 0;

/** Unique within the host's logs: random per process, then a counter. */
function nextRequestId(): string {
  counter += 1;
  return `${processPrefix}-${counter.toString(36)}`;
}

/**
 * What a door knows of one request. The id and the abort signal are made only when somebody asks: a
 * health check needs neither.
 */
export class RequestContext {
  readonly door: DoorName;
  #id: string | null = null;
  #controller: AbortController | null = null;
  #aborted = false;
  #listeners: (() => void)[] | null = null;

  constructor(door: DoorName) {
    this.door = door;
  }

  get requestId(): string {
    this.#id ??= nextRequestId();
    return this.#id;
  }

  /** As of AbortSignal, but at no cost: called once when the caller goes away. */
  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners = this.#listeners?.filter((one) => one !== listener) ?? null;
  }

  /** The same for who needs a real AbortSignal. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  /** Called by the door when the connection is gone. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#controller?.abort();
    const listeners = this.#listeners ?? [];
    this.#listeners = null;
    for (const listener of listeners) listener();
  }
}
