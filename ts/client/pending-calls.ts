import { MlosError } from '../protocol/errors.ts';

export interface PendingCall {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: MlosError) => void;
  /** What the daemon says before the answer. */
  readonly onEvent: ((event: Readonly<Record<string, unknown>>) => void) | null;
  /** Takes the timer and the abort listener away. */
  release: (() => void) | null;
}

interface WaitOptions {
  readonly method: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** The caller waits no longer for the answer, which is still to come. */
  readonly onGivenUp: () => void;
}

/** Calls that wait for their answer, by id. A call leaves the table exactly once. */
export class PendingCalls {
  readonly #calls = new Map<unknown, PendingCall>();

  /** Throws CANCELLED where the signal has fired already. */
  add(id: number, call: PendingCall, options: WaitOptions): void {
    const { method, signal, timeoutMs } = options;
    if (signal?.aborted === true) throw cancelled(method);
    this.#calls.set(id, call);
    if (signal === undefined && timeoutMs === undefined) return;
    const giveUp = (error: MlosError) => {
      this.take(id)?.reject(error);
      options.onGivenUp();
    };
    const onAbort = () => giveUp(cancelled(method));
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => giveUp(late(method, timeoutMs)), timeoutMs);
    call.release = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  }

  take(id: unknown): PendingCall | null {
    const call = this.#calls.get(id);
    if (call === undefined) return null;
    this.#calls.delete(id);
    call.release?.();
    return call;
  }

  get(id: unknown): PendingCall | null {
    return this.#calls.get(id) ?? null;
  }

  rejectAll(error: MlosError): void {
    for (const id of [...this.#calls.keys()]) this.take(id)?.reject(error);
  }
}

function cancelled(method: string): MlosError {
  return new MlosError('CANCELLED', `The call of ${method} was cancelled by its caller.`);
}

function late(method: string, timeoutMs: number): MlosError {
  return new MlosError('DEADLINE_EXCEEDED', `${method} did not answer within ${timeoutMs} ms.`);
}
