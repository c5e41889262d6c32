import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchJson, type StatusError } from '../../download/fetch-json.ts';
import { type Credential, parseHttpUrl } from '../../download/follow.ts';
import { type HttpResponse, header } from '../../download/http.ts';
import type { DownloadOptions } from '../../download/options.ts';
import { httpStatusError, searchStatusError } from '../status-error.ts';

/** The endpoint and who asks; the credential is sent to this origin and to no other. */
export class KaggleApi {
  readonly endpoint: string;
  readonly credential: Credential | null;
  readonly download: DownloadOptions;

  constructor({ env, download }: Context) {
    this.endpoint = (env['KAGGLE_API_ENDPOINT'] || 'https://www.kaggle.com').replace(/\/+$/, '');
    const { origin } = parseHttpUrl(this.endpoint);
    const authorization = findAuthorization(env);
    this.credential = authorization === null ? null : { authorization, scope: `${origin}/` };
    this.download = download;
  }

  /** `page` is what a person has to open where Kaggle wants consent first. */
  ask(route: string, what: string, page: string): Promise<Record<string, unknown>> {
    return this.#fetch(route, this.statusError(what, page), this.refuseLogin(what, page));
  }

  search(query: string): Promise<Record<string, unknown>> {
    return this.#fetch(`list?${query}`, searchStatusError, (response) => {
      if (leadsToLogin(response))
        throw new AxonError(
          'ACCESS_DENIED',
          `Kaggle wants a login to be searched: ${this.#who()}.`,
        );
    });
  }

  async #fetch(
    route: string,
    statusError: StatusError,
    check: (response: HttpResponse) => void,
  ): Promise<Record<string, unknown>> {
    const url = `${this.endpoint}/api/v1/models/${route}`;
    const { credential } = this;
    const { value } = await fetchJson({ url, credential, statusError, check }, this.download);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    throw new AxonError('BAD_RESPONSE', `${url} answered no JSON object.`);
  }

  statusError(what: string, page: string): StatusError {
    const other = httpStatusError(what);
    return (response, body) =>
      response.status === 401 || response.status === 403
        ? this.#refused(what, page, String(response.status))
        : other(response, body);
  }

  /** A model behind a login leads to a page for people, with status 200 at its end. */
  refuseLogin(what: string, page: string): (response: HttpResponse) => void {
    return (response) => {
      if (leadsToLogin(response)) throw this.#refused(what, page, 'a login page');
    };
  }

  #refused(what: string, page: string, how: string): AxonError {
    return new AxonError(
      'ACCESS_DENIED',
      `Kaggle refuses ${what} (${how}). It is private, does not exist, or its terms have to be accepted at ${this.endpoint}/models/${page}: ${this.#who()}.`,
    );
  }

  #who(): string {
    return this.credential === null
      ? 'set KAGGLE_USERNAME and KAGGLE_KEY (or KAGGLE_API_TOKEN)'
      : 'the Kaggle account in use has not, or its key is wrong';
  }
}

const leadsToLogin = (response: HttpResponse) =>
  /\/account\/login\b/.test(header(response, 'location') ?? '');

/** The places where Kaggle's own tools look, in their order. */
function findAuthorization(env: NodeJS.ProcessEnv): string | null {
  const folder = env['KAGGLE_CONFIG_DIR'] || path.join(env['HOME'] ?? '', '.kaggle');
  const given = env['KAGGLE_API_TOKEN'] || path.join(folder, 'access_token');
  // The variable holds the token or names a file with it.
  const token = readText(given) ?? env['KAGGLE_API_TOKEN'];
  if (token) return `Bearer ${token.trim()}`;
  const { username, key } =
    env['KAGGLE_USERNAME'] && env['KAGGLE_KEY']
      ? { username: env['KAGGLE_USERNAME'], key: env['KAGGLE_KEY'] }
      : readKeyFile(path.join(folder, 'kaggle.json'));
  if (username === undefined || key === undefined) return null;
  return `Basic ${Buffer.from(`${username}:${key}`).toString('base64')}`;
}

function readText(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function readKeyFile(file: string): { username?: string; key?: string } {
  const text = readText(file);
  if (text === null) return {};
  try {
    const { username, key } = JSON.parse(text) as { username?: unknown; key?: unknown };
    if (typeof username === 'string' && typeof key === 'string') return { username, key };
  } catch {
    // Said below, for both kinds of a wrong file.
  }
  throw new AxonError(
    'INVALID_CONFIG',
    `${file} is not {"username": "…", "key": "…"}; fetch a new one from your Kaggle account.`,
  );
}
