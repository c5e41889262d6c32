import { RequestContext } from '../../request-context.ts';
import type { RequestHead } from './request-head.ts';

/*
 * `Prefer` (RFC 7240): `wait=N` is how many seconds the caller waits for a model that is not loaded,
 * `respond-async` alone not at all.
 */
const wait = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i;
const async = /(?:^|[,;])\s*respond-async\s*(?:$|[,;])/i;

/** In ms; null where nothing is said of it. */
export function loadWaitOf(prefer: string): number | null {
  const seconds = wait.exec(prefer)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1_000;
  return async.test(prefer) ? 0 : null;
}

export function contextOf({ prefer }: RequestHead): RequestContext {
  return prefer === ''
    ? new RequestContext('http')
    : new RequestContext('http', { loadWaitMs: loadWaitOf(prefer) });
}
