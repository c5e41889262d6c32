import { AxonError } from '../axon-error.ts';
import type { StatusError } from '../download/fetch-json.ts';

/** What a final HTTP status means where a hub has no words of its own for it. */
export function httpStatusError(what: string): StatusError {
  return ({ status, url }) => {
    if (status === 401 || status === 403)
      return new AxonError(
        'ACCESS_DENIED',
        `${url.host} refuses ${what} (${status}). It may need a token or a login.`,
      );
    if (status === 404 || status === 410)
      return new AxonError('NOT_FOUND', `${url.host} has no ${what} (${status}).`);
    return new AxonError('BAD_RESPONSE', `${url.host} answered ${status} for ${what}.`);
  };
}
