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

/** The same of a search: nothing that was named can be missing, gated or misspelled. */
export const searchStatusError: StatusError = ({ status, url }) =>
  status === 401 || status === 403
    ? new AxonError(
        'ACCESS_DENIED',
        `${url.host} refuses to be searched (${status}). It may need a token or a login.`,
      )
    : new AxonError(
        'BAD_RESPONSE',
        `${url.host} answered ${status} to a search, so it may be no address of this hub. \`axon registry list\` shows where each is asked.`,
      );
