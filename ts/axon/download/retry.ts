import type http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { AxonError } from '../axon-error.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { DownloadOptions } from './options.ts';

/** What doubles each time does not double for ever. */
const longestBackOffMs = 30_000;

/** Longer waits than this are the user's decision. */
const longestWaitMs = 120_000;

/** A failure that the same request may not meet again. `waitMs`: what the server asked for. */
export class Retryable extends Error {
  override readonly name = 'Retryable';
  readonly waitMs: number | null;
  readonly limited: boolean;
  /** What it is called when the tries are used up. */
  readonly code: ExitCode;
  /** A name that does not resolve means no network here, as a rule: one more try, not minutes of them. */
  readonly unresolved: boolean;

  constructor(
    message: string,
    options: {
      readonly waitMs?: number | null;
      readonly limited?: boolean;
      readonly code?: ExitCode;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.waitMs = options.waitMs ?? null;
    this.limited = options.limited ?? false;
    this.code = options.code ?? 'NETWORK';
    this.unresolved = (options.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOTFOUND';
  }
}

const retryableStatus: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The Retryable for a status that is worth another try, else null. */
export function retryableFor(
  host: string,
  status: number,
  headers: http.IncomingHttpHeaders,
): Retryable | null {
  if (!retryableStatus.has(status)) return null;
  const waitMs = statedWait(headers);
  return new Retryable(`${host} answered ${status}`, { waitMs, limited: status === 429 });
}

/**
 * `RateLimit: "api";r=0;t=172` (nothing left, seconds to the next window) before `Retry-After` (seconds
 * or a date).
 */
function statedWait(headers: http.IncomingHttpHeaders): number | null {
  const waits = String(headers['ratelimit'] ?? '')
    .split(',')
    .filter((policy) => /;\s*r=0\s*(;|$)/.test(policy))
    .map((policy) => Number(/;\s*t=(\d+)/.exec(policy)?.[1] ?? Number.NaN))
    .filter((seconds) => !Number.isNaN(seconds));
  if (waits.length > 0) return (Math.max(...waits) + 1) * 1000;
  const after = (headers['retry-after'] ?? '').trim();
  if (/^\d+(\.\d+)?$/.test(after)) return Number(after) * 1000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

/**
 * Runs `attempt` until it succeeds, throws something final, or the tries are used up. An attempt that
 * made real progress before it failed calls `progressed`, and counting begins anew.
 */
export async function withRetries<T>(
  options: DownloadOptions,
  attempt: (progressed: () => void) => Promise<T>,
): Promise<T> {
  let failures = 0;
  for (;;) {
    options.signal.throwIfAborted();
    try {
      return await attempt(() => {
        failures = 0;
      });
    } catch (error) {
      // What was interrupted is not tried again, however the connection called it.
      options.signal.throwIfAborted();
      if (!(error instanceof Retryable)) throw error;
      failures += 1;
      const backOff = Math.min(longestBackOffMs, options.retryWaitMs * 2 ** (failures - 1));
      const waitMs = Math.max(error.waitMs ?? 0, backOff * (0.75 + Math.random() / 2));
      const maxRetries = error.unresolved ? Math.min(1, options.maxRetries) : options.maxRetries;
      if (failures > maxRetries || waitMs > longestWaitMs) throw giveUp(error, failures, waitMs);
      options.note(`${error.message}; trying again in ${(waitMs / 1000).toFixed(1)} s`);
      await sleep(waitMs, undefined, { signal: options.signal });
    }
  }
}

function giveUp(error: Retryable, failures: number, waitMs: number): AxonError {
  const cause = { cause: error };
  if (error.limited || waitMs > longestWaitMs) {
    const hint = waitMs > longestWaitMs ? ` It asks to wait ${Math.ceil(waitMs / 1000)} s.` : '';
    const why = error.limited ? ' (too many requests)' : '';
    return new AxonError(
      'RATE_LIMITED',
      `${error.message}${why}.${hint} Try later, or set a token.`,
      { ...cause, details: { wait_s: Math.ceil(waitMs / 1000) } },
    );
  }
  const tries = failures === 1 ? 'once' : `${failures} times`;
  const next =
    error.code === 'NETWORK'
      ? 'Check the network and try again.'
      : 'Try again later or tell the source.';
  return new AxonError(error.code, `${error.message} (tried ${tries}). ${next}`, cause);
}
