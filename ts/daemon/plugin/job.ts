import { MlosError } from '../../protocol/errors.ts';
import type { Clock, Timer } from './clock.ts';

/**
 * How a request learns that its caller is gone: the part of AbortSignal that is needed. An AbortSignal
 * fits; one per request with its listener costs 9 µs, which a door's own context need not pay.
 */
export interface AbortNotice {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
export type JobKind = 'load' | 'unload' | 'infer' | 'other';

export interface JobSpec {
  readonly kind: JobKind;
  readonly modelId: string;
  /** Bytes that it holds while it waits. */
  readonly bytes: number;
  /** Latest moment for the answer, on the host's clock; null: `runMs` from the moment it is begun. */
  readonly deadlineAt: number | null;
  readonly runMs: number;
}

/** One request to a plugin, from acceptance to its one settlement. */
export class Job<T = unknown> {
  readonly spec: JobSpec;
  readonly acceptedAt: number;
  readonly promise: Promise<T>;
  /** When the plugin began with it: it was sent and nothing was before it. */
  begunAt: number | null = null;
  /** It was sent when the plugin was dead already, and has certainly not been begun. */
  undelivered = false;
  #resolve!: (value: T) => void;
  #reject!: (error: MlosError) => void;
  #settled = false;
  #timer: Timer | null = null;
  #unlisten: (() => void) | null = null;

  constructor(spec: JobSpec, clock: Clock) {
    this.spec = spec;
    this.acceptedAt = clock.now();
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** True once the caller has its answer; the plugin may still be busy with it. */
  get settled(): boolean {
    return this.#settled;
  }

  resolve(value: T): void {
    this.#settled = true;
    this.#resolve(value);
  }

  reject(error: MlosError): void {
    this.#settled = true;
    this.#reject(error);
  }

  /** One timer at a time: the deadline, then the grace after it. */
  arm(timer: Timer): void {
    this.#timer?.cancel();
    this.#timer = timer;
  }

  listen(signal: AbortNotice, onAbort: () => void): void {
    signal.addEventListener('abort', onAbort);
    this.#unlisten = () => signal.removeEventListener('abort', onAbort);
  }

  /** Lets go of timer and listener; the job is over for the host. */
  release(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#unlisten?.();
    this.#unlisten = null;
  }
}

/** What a caller gets whose deadline has passed. */
export function deadlineExceeded(acceptedAt: number, now: number, begun: boolean): MlosError {
  const waited = Math.round(now - acceptedAt);
  const where = begun ? 'while it ran' : 'while it waited for the plugin';
  return new MlosError(
    'DEADLINE_EXCEEDED',
    `The deadline passed ${where}, ${waited} ms after the request was accepted.`,
  );
}

export function cancelled(): MlosError {
  return new MlosError('CANCELLED', 'The request was cancelled by its caller.');
}
