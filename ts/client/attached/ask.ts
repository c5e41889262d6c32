import type { Answer } from '../../native/client-channel.ts';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Attachment } from './attachment.ts';
import {
  Call,
  type CallOptions,
  cancelledError,
  errorOfAnswer,
  type Job,
  lateError,
  mayOutgrow,
} from './call.ts';
import type { ChannelRequest } from './channel-request.ts';
import type { Link } from './link.ts';

/** A timeout as a point on the clock of performance.now(). */
export function deadlineAfter(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs <= limits.inferenceMaxMs) return performance.now() + timeoutMs;
  if (timeoutMs === Number.POSITIVE_INFINITY) return timeoutMs;
  throw new MlosError(
    'INVALID_ARGUMENT',
    `timeoutMs is ${timeoutMs}; it has to be above 0 and at most ${limits.inferenceMaxMs}, or Infinity.`,
  );
}

function queued<T>(attachment: Attachment, job: Job, deadlineMs: number, signal?: AbortSignal) {
  return new Promise<T>((resolve, reject) => {
    const call = new Call(job, deadlineMs, resolve as (value: unknown) => void, reject);
    if (signal !== undefined) call.obey(signal);
    attachment.send(call);
  });
}

/** The request went out, and its answer did not come within the spin. */
function followed<T>(
  attachment: Attachment,
  job: Job,
  deadlineMs: number,
  sent: { readonly link: Link; readonly request: ChannelRequest; readonly requestId: number },
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const call = new Call(job, deadlineMs, resolve as (value: unknown) => void, reject);
    sent.link.follow(call, sent.request, sent.requestId);
    attachment.mind(deadlineMs);
  });
}

function spunAnswer<T>(
  attachment: Attachment,
  job: Job,
  deadlineMs: number,
  spun: { readonly link: Link; readonly answer: Answer },
): Promise<T> {
  const { link, answer } = spun;
  if (answer.code === null) {
    const result = job.take(answer, link);
    job.done();
    return Promise.resolve(result as T);
  }
  answer.release();
  if (mayOutgrow(job, answer) && attachment.outgrowOutputs(link, job.shape)) {
    return queued(attachment, job, deadlineMs);
  }
  job.done();
  return Promise.reject(errorOfAnswer(answer));
}

/** Where the next request can be waited for by spinning: nothing is under way, nobody waits. */
function spinLink(attachment: Attachment): Link | null {
  const { link } = attachment;
  return link?.open === true && link.isQuiet && attachment.isClear ? link : null;
}

/** Runs a job without blocking the event loop for more than the spin. */
export function ask<T>(
  attachment: Attachment,
  job: Job,
  timeoutMs: number,
  options: CallOptions,
): Promise<T> {
  try {
    const deadlineMs = deadlineAfter(options.timeoutMs ?? timeoutMs);
    if (options.signal?.aborted === true) throw cancelledError();
    const link = options.signal === undefined ? spinLink(attachment) : null;
    const spinUs = link?.spin.next() ?? 0;
    if (link === null || spinUs === 0) return queued(attachment, job, deadlineMs, options.signal);
    const request = job.requestOn(link);
    const outcome = request === null ? null : link.sendAndSpin(request, spinUs, deadlineMs);
    if (request === null || outcome === null) return queued(attachment, job, deadlineMs);
    return typeof outcome === 'number'
      ? followed(attachment, job, deadlineMs, { link, request, requestId: outcome })
      : spunAnswer(attachment, job, deadlineMs, { link, answer: outcome });
  } catch (error) {
    job.done();
    return Promise.reject(MlosError.from(error));
  }
}

/** One attempt; null: with a larger channel, again. */
function attemptSync<T>(attachment: Attachment, job: Job, deadlineMs: number): T | null {
  const link = attachment.linkSync(job.shape, deadlineMs);
  const request = job.requestOn(link);
  if (request === null) {
    if (!attachment.makeRoom()) attachment.outgrowInputs(link, job.shape);
    return null;
  }
  const leftMs = deadlineMs - performance.now();
  if (leftMs <= 0) throw lateError();
  let answer: Answer;
  try {
    answer = link.runSync(request, leftMs === Number.POSITIVE_INFINITY ? 0 : Math.ceil(leftMs));
  } catch (error) {
    // The host may still be reading it.
    job.leave();
    throw error;
  }
  if (answer.code === null) return job.take(answer, link) as T;
  answer.release();
  if (mayOutgrow(job, answer) && attachment.outgrowOutputs(link, job.shape)) return null;
  throw errorOfAnswer(answer);
}

/** Runs a job and blocks the thread until the answer is there. */
export function askSync<T>(attachment: Attachment, job: Job, timeoutMs: number): T {
  try {
    const deadlineMs = deadlineAfter(timeoutMs);
    for (;;) {
      const result = attemptSync<T>(attachment, job, deadlineMs);
      if (result !== null) return result;
    }
  } catch (error) {
    throw MlosError.from(error);
  } finally {
    job.done();
  }
}
