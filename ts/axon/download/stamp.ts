import { AxonError } from '../axon-error.ts';
import { type HttpResponse, header } from './http.ts';

/** What a server says of the bytes that it sends: other words, other bytes. */
export interface Stamp {
  readonly etag: string | null;
  readonly modified: string | null;
  /** `modified` lies so far back that no later change can have the same date. */
  readonly isSettled: boolean;
  /** Size of the whole file. */
  readonly total: number | null;
}

export const noStamp: Stamp = { etag: null, modified: null, isSettled: false, total: null };

/** So often a file may change while it is fetched. */
const mostChanges = 3;
/** Dates count whole seconds, and clocks of a server and its store may differ (RFC 9110, 8.8.2.2). */
const settledMs = 60_000;

export function stampOf(response: HttpResponse, total: number | null): Stamp {
  const [etag, modified] = [header(response, 'etag'), header(response, 'last-modified')];
  const age = Date.parse(header(response, 'date') ?? '') - Date.parse(modified ?? '');
  return { etag, modified, isSettled: age >= settledMs, total };
}

/** Whether two answers are about different bytes, as far as both of them say. */
export function differ(one: Stamp, other: Stamp): boolean {
  return (['etag', 'modified', 'total'] as const).some(
    (key) => one[key] !== null && other[key] !== null && one[key] !== other[key],
  );
}

/** Whether a stamp can tell its bytes from all others that may come to lie at the same address. */
export function isTelling(stamp: Stamp): boolean {
  const hasDate = stamp.etag === null && stamp.modified !== null && stamp.isSettled;
  return stamp.total !== null && (strongTag(stamp) !== null || hasDate);
}

/** Whether two answers are about the same bytes for certain. */
export function isSame(one: Stamp, other: Stamp): boolean {
  const keys = ['etag', 'modified', 'total'] as const;
  return isTelling(one) && keys.every((key) => one[key] === other[key]);
}

/** The tag under which bytes may be joined; a weak one says too little for that. */
export function strongTag({ etag }: Stamp): string | null {
  return etag?.startsWith('"') === true ? etag : null;
}

export function requireFewChanges(times: number, host: string, label: string): void {
  if (times <= mostChanges) return;
  throw new AxonError(
    'BAD_RESPONSE',
    `${label} keeps changing on ${host} while it is fetched. Nothing was installed; try again later.`,
  );
}
