import { type Answer, foundNoRoom } from '../../native/client-channel.ts';
import { MlosError } from '../../protocol/errors.ts';
import type { ChannelRequest, RequestShape } from './channel-request.ts';
import type { Link } from './link.ts';

/** What a call is to run, and what its caller gets. */
export interface Job {
  readonly shape: RequestShape;
  /** It belongs to a sequence, which ends with the channel: a larger one is no help. */
  readonly inSequence: boolean;
  /** The request, in this link's memory, contents included; null: there is no room now. */
  requestOn(link: Link): ChannelRequest | null;
  /** The caller's result. From here on the answer is the job's to release. */
  take(answer: Answer, link: Link): unknown;
  /** The call will be sent later: nothing of the caller's may be needed then. */
  keep(): void;
  /** The caller gave up: the host may still be reading the request. */
  leave(): void;
  /** The caller has its answer, or gave up. Called once, as the last. */
  done(): void;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Gives up after this time with DEADLINE_EXCEEDED. */
  readonly timeoutMs?: number;
}

type Resolve = (value: unknown) => void;
type Reject = (error: MlosError) => void;

/** The text of an answer that is an error. */
export function errorOfAnswer(answer: Answer): MlosError {
  const code = answer.code ?? 'INTERNAL';
  if (code === 'TOO_MANY_REQUESTS' && foundNoRoom(answer)) {
    return new MlosError(
      code,
      'Results that are held leave no room for this answer: call release() on those that are done with, or attach with a larger maxArenaBytes.',
    );
  }
  return new MlosError(code, answer.message === '' ? `The host answered ${code}.` : answer.message);
}

/** Whether a channel with more room for answers would have been the right one. */
export function mayOutgrow(job: Job, answer: Answer): boolean {
  return foundNoRoom(answer) && !job.inSequence;
}

export function cancelledError(): MlosError {
  return new MlosError('CANCELLED', 'The request was cancelled by its caller.');
}

export function lateError(cause?: MlosError): MlosError {
  const why = cause === undefined ? '' : ` The model is not attached: ${cause.message}`;
  return new MlosError('DEADLINE_EXCEEDED', `The answer was not there in time.${why}`, { cause });
}

/**
 * One call that waits for its answer. It is settled once; where its caller gave up earlier, the
 * answer is still waited for, because until then the host may read the request's memory.
 */
export class Call {
  readonly job: Job;
  /** On the clock of performance.now(); Infinity: none. */
  readonly deadlineMs: number;
  /** Where it was sent, while it is under way. */
  link: Link | null = null;
  requestId = 0;
  /** While it is under way. */
  request: ChannelRequest | null = null;
  #settled = false;
  #resolve: Resolve;
  #reject: Reject;
  #signal: AbortSignal | null = null;

  constructor(job: Job, deadlineMs: number, resolve: Resolve, reject: Reject) {
    this.job = job;
    this.deadlineMs = deadlineMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Whether its caller has an answer or has given up. */
  get settled(): boolean {
    return this.#settled;
  }

  /** `signal` has not fired yet. */
  obey(signal: AbortSignal): void {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  resolve(value: unknown): void {
    if (this.#settle()) this.#resolve(value);
  }

  reject(error: MlosError): void {
    if (this.#settle()) this.#reject(error);
  }

  /** Its caller no longer waits; the host is told. */
  giveUp(error: MlosError): void {
    if (this.#settled) return;
    if (this.link !== null) {
      this.link.channel.cancel(this.requestId);
      this.request = null;
      this.job.leave();
    }
    this.reject(error);
  }

  readonly #onAbort = () => this.giveUp(cancelledError());

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.job.done();
    return true;
  }
}

/** What was under way when its caller closed the model. */
export function cancelledBy(closed: MlosError): MlosError {
  return new MlosError('CANCELLED', closed.message);
}
