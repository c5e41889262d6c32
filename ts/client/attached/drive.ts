import { onReadable } from '../../native/readable.ts';
import { MlosError } from '../../protocol/errors.ts';
import type { Exchange } from './handshake.ts';

/** Two ways to wait for an exchange with the daemon: in the event loop, or by sleeping. */
export interface DriveOptions {
  /** On the clock of performance.now(); Infinity: no bound. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether the wait keeps the process running. */
  readonly keepAlive?: boolean;
}

/** Sleep between two looks, in ms. A futex cannot wait for a socket. */
const lookEveryMs = 0.5;

export function lateError(): MlosError {
  return new MlosError('DEADLINE_EXCEEDED', 'The daemon did not attach the model in time.');
}

function cancelledError(): MlosError {
  return new MlosError('CANCELLED', 'The attaching was cancelled by its caller.');
}

function readable(fd: number, options: DriveOptions): Promise<void> {
  const { signal, deadlineMs, keepAlive = true } = options;
  return new Promise((resolve, reject) => {
    const stop = () => {
      watch.cancel();
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = () => {
      stop();
      reject(cancelledError());
    };
    const onReady = () => {
      stop();
      resolve();
    };
    const onLate = () => {
      stop();
      reject(lateError());
    };
    const watch = onReadable(fd, onReady, { keepAlive });
    const timer = Number.isFinite(deadlineMs)
      ? setTimeout(onLate, Math.max(0, deadlineMs - performance.now()))
      : undefined;
    if (!keepAlive) timer?.unref();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Drives the exchange in the event loop. Also rejects with DEADLINE_EXCEEDED and CANCELLED. */
export async function drive<T>(exchange: Exchange<T>, options: DriveOptions): Promise<T> {
  if (options.signal?.aborted === true) throw cancelledError();
  let step = exchange.next();
  while (step.done !== true) {
    try {
      await readable(step.value, options);
    } catch (error) {
      step = exchange.throw(error); // It cleans up and throws the same.
      continue;
    }
    step = exchange.next();
  }
  return step.value;
}

const never = new Int32Array(new SharedArrayBuffer(4));

export function sleep(ms: number, { keepAlive = true } = {}): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (!keepAlive) timer.unref();
  });
}

/** Blocks the thread. */
export function sleepSync(ms: number): void {
  Atomics.wait(never, 0, 0, ms);
}

/** Drives the exchange and blocks the thread meanwhile. Also throws DEADLINE_EXCEEDED. */
export function driveSync<T>(exchange: Exchange<T>, deadlineMs: number): T {
  let step = exchange.next();
  while (step.done !== true) {
    if (performance.now() >= deadlineMs) {
      step = exchange.throw(lateError());
      continue;
    }
    sleepSync(lookEveryMs);
    step = exchange.next();
  }
  return step.value;
}
