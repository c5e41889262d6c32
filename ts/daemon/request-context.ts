import { randomBytes } from 'node:crypto';

export type DoorName = 'http' | 'grpc' | 'ipc';

const processPrefix = randomBytes(4).toString('hex');
let counter = 0;

/** Unique within the host's logs: random per process, then a counter. */
function nextRequestId(): string {
  counter += 1;
  return `${processPrefix}-${counter.toString(36)}`;
}

/** The process at the other end of a connection, by the kernel's word. */
export interface Peer {
  /** Null where it lives in a pid namespace that cannot be seen into. */
  readonly pid: number | null;
  readonly uid: number;
}

/** A connection whose client is known and that descriptors can travel over. One object for its life. */
export interface Caller {
  readonly peer: Peer;
  /** After the answer to the present request, frames may carry descriptors. */
  takeDescriptors(): void;
}

/** Descriptors that came with a request. They are its door's to close, and gone when it is answered. */
export interface RequestFiles {
  readonly count: number;
  /**
   * A copy of `length` bytes from byte `offset` on of the sealed memfd that is descriptor `index`.
   * Errors: INVALID_ARGUMENT (no such descriptor, not a sealed memfd, out of its bounds),
   * CANCELLED (the request is over).
   */
  read(index: number, offset: number, length: number): Uint8Array;
}

/** Descriptors that go out with an answer. */
export interface AnswerFiles {
  readonly descriptors: readonly number[];
  /** Called once: the kernel has them, or they will never be sent. */
  readonly release: () => void;
}

/**
 * What a door knows of one request. The id and the abort signal are made only when somebody asks: a
 * health check needs neither.
 */
export class RequestContext {
  readonly door: DoorName;
  /** Null where descriptors cannot travel: HTTP, or a client that the kernel does not name. */
  readonly caller: Caller | null;
  /** Null where no descriptor came. */
  readonly files: RequestFiles | null;
  /** When the caller stops waiting, as `Date.now()` counts; Infinity where it has not said. */
  readonly deadline: number;
  /** How long the caller waits for a model to be loaded, in ms; null where it has not said. */
  readonly loadWaitMs: number | null;
  #id: string | null = null;
  #controller: AbortController | null = null;
  #aborted = false;
  #listeners: (() => void)[] | null = null;
  #answerFiles: AnswerFiles | null = null;
  #hasLostFiles = false;
  #onEvent: ((event: Readonly<Record<string, unknown>>) => void) | null = null;

  constructor(
    door: DoorName,
    facts: {
      readonly caller?: Caller | null;
      readonly files?: RequestFiles | null;
      readonly deadline?: number;
      readonly loadWaitMs?: number | null;
    } = {},
  ) {
    this.door = door;
    this.caller = facts.caller ?? null;
    this.files = facts.files ?? null;
    this.deadline = facts.deadline ?? Number.POSITIVE_INFINITY;
    this.loadWaitMs = facts.loadWaitMs ?? null;
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

  /** For the door that streams: who is told what a task says before its answer. Null: nobody listens. */
  get onEvent(): ((event: Readonly<Record<string, unknown>>) => void) | null {
    return this.#onEvent;
  }

  listen(onEvent: (event: Readonly<Record<string, unknown>>) => void): void {
    this.#onEvent = onEvent;
  }

  /** Sends descriptors with the answer; once for each request. Of a caller that is gone they are released. */
  answerWith(files: AnswerFiles): void {
    if (this.#answerFiles !== null) throw new Error('An answer carries descriptors once.');
    this.#answerFiles = files;
    if (this.#aborted) this.#loseFiles();
  }

  /** The answer had descriptors, which are released: it cannot be given any more. */
  get hasLostFiles(): boolean {
    return this.#hasLostFiles;
  }

  #loseFiles(): void {
    const files = this.takeAnswerFiles();
    this.#hasLostFiles = files !== null;
    files?.release();
  }

  /** For the door: what goes out with the answer, which is its to release from now on. */
  takeAnswerFiles(): AnswerFiles | null {
    const files = this.#answerFiles;
    this.#answerFiles = null;
    return files;
  }

  /** Called by the door when the connection is gone, or its client wants the answer no more. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#loseFiles();
    this.#controller?.abort();
    const listeners = this.#listeners ?? [];
    this.#listeners = null;
    for (const listener of listeners) listener();
  }
}
