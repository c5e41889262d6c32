import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { lateError } from './call.ts';

/** Whether trying again may help: the daemon or the plugin is on its way back. */
export function isPassing({ code, details }: MlosError): boolean {
  switch (code) {
    case 'SHUTTING_DOWN':
    case 'PLUGIN_CRASHED':
    case 'PLUGIN_UNAVAILABLE':
    case 'TOO_MANY_REQUESTS':
      return true;
    case 'FAILED_PRECONDITION':
      // No daemon listens.
      return details?.['where'] !== undefined;
    default:
      return false;
  }
}

/** Pauses between attempts, each twice the last. */
export class Pause {
  #ms: number = limits.reattachMinMs / 2;

  /** In ms. */
  next(): number {
    this.#ms = Math.min(this.#ms * 2, limits.reattachMaxMs);
    return this.#ms;
  }

  /** The pause after this failure. Throws it where it is for good, DEADLINE_EXCEEDED where time is up. */
  after(error: unknown, deadlineMs: number): number {
    const reason = MlosError.from(error);
    if (!isPassing(reason)) throw reason;
    const pauseMs = this.next();
    if (performance.now() + pauseMs >= deadlineMs) throw lateError(reason);
    return pauseMs;
  }
}
