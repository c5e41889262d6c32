import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchJson, type StatusError } from '../../download/fetch-json.ts';
import { type Credential, parseHttpUrl } from '../../download/follow.ts';
import { header } from '../../download/http.ts';
import type { DownloadOptions } from '../../download/options.ts';
import { httpStatusError, searchStatusError } from '../status-error.ts';

/** GitHub's API: its address, and the token, which is sent to that origin only. */
export class GitHubApi {
  readonly endpoint: string;
  readonly credential: Credential | null;
  readonly #download: DownloadOptions;

  constructor({ env, download }: Context) {
    this.endpoint = (env['GITHUB_API_URL'] || 'https://api.github.com').replace(/\/+$/, '');
    const token = (env['GITHUB_TOKEN'] || env['GH_TOKEN'] || '').trim();
    const { origin } = parseHttpUrl(this.endpoint);
    this.credential =
      token === '' ? null : { authorization: `Bearer ${token}`, scope: `${origin}/` };
    this.#download = download;
  }

  /** `what` is named in errors; null for a search. */
  async ask(path: string, what: string | null): Promise<unknown> {
    const { value } = await fetchJson(
      {
        url: this.endpoint + path,
        credential: this.credential,
        statusError: this.statusError(what),
      },
      this.#download,
    );
    return value;
  }

  /** The same, and null where there is no such thing. */
  async maybe(path: string, what: string): Promise<unknown> {
    try {
      return await this.ask(path, what);
    } catch (error) {
      if (error instanceof AxonError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  }

  statusError(what: string | null): StatusError {
    const other = what === null ? searchStatusError : httpStatusError(what);
    return (response, body) => {
      if (response.status === 403 && header(response, 'x-ratelimit-remaining') === '0')
        return this.#limited(response.url.host, header(response, 'x-ratelimit-reset'));
      if (response.status === 401 && this.credential !== null)
        return new AxonError(
          'ACCESS_DENIED',
          `${response.url.host} does not know the token of GITHUB_TOKEN or GH_TOKEN. Set a valid one, or none.`,
        );
      // "No commit found" is a 422.
      if (response.status === 422 && what !== null)
        return new AxonError('NOT_FOUND', `${response.url.host} has no such commit of ${what}.`);
      return other(response, body);
    };
  }

  /** The header is the second, since 1970, in which questions are answered again. */
  #limited(host: string, reset: string | null): AxonError {
    const seconds = Number(reset ?? Number.NaN) - Date.now() / 1000;
    const minutes = seconds > 0 && seconds < 86_400 ? Math.ceil(seconds / 60) : 60;
    const hint =
      this.credential === null ? 'Set GITHUB_TOKEN, or try again' : 'Try again with this token';
    return new AxonError(
      'RATE_LIMITED',
      `${host} answers no more questions of this address for now. ${hint} in ${minutes} minutes.`,
    );
  }
}
