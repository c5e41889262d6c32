import { AxonError } from '../axon-error.ts';
import { type HttpResponse, header } from './http.ts';

/** What a server says of the bytes that it sends: other words, other bytes. */
export interface Stamp {
  readonly etag: string | null;
  readonly modified: string | null;
  /** Size of the whole file. */
  readonly total: number | null;
}

export const noStamp: Stamp = { etag: null, modified: null, total: null };

/** So often a file may change while it is fetched. */
const mostChanges = 3;

export function stampOf(response: HttpResponse, total: number | null): Stamp {
  const [etag, modified] = [header(response, 'etag'), header(response, 'last-modified')];
  return { etag, modified, total };
}

/** Whether two answers are about different bytes, as far as both of them say. */
export function differ(one: Stamp, other: Stamp): boolean {
  return (['etag', 'modified', 'total'] as const).some(
    (key) => one[key] !== null && other[key] !== null && one[key] !== other[key],
  );
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
