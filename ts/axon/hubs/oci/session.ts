import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchJson, requireOk, type StatusError } from '../../download/fetch-json.ts';
import { type Credential, follow } from '../../download/follow.ts';
import { type HttpResponse, header, readBody } from '../../download/http.ts';
import { isInside } from '../../download/redirect.ts';
import { withRetries } from '../../download/retry.ts';

/** A token younger than this that is refused is not refused for its age. */
const freshMs = 20_000;

/** What is done there: with one repository, or with the list of all of them. */
export type RegistryActions = 'pull' | 'pull,push' | 'catalog';

export interface RegistryPlace {
  readonly origin: string;
  readonly repository: string;
  /** For messages. */
  readonly label: string;
  /** The user's `Basic` credential for this registry, asked for only when the registry wants one. */
  login(): Promise<string | null>;
}

/*
 * Talks to one repository of a registry.
 * 1. Nothing is sent unasked. A 401 says what is wanted: a password (Basic), or a token (Bearer) from
 *    the service that it names.
 * 2. The password goes to the registry itself or to that service, the token to this repository alone.
 * 3. A token ends after minutes, a large model does not: a 401 later on fetches another.
 */
export class RegistrySession {
  readonly place: RegistryPlace;
  readonly context: Context;
  credential: Credential | null = null;
  readonly #actions: RegistryActions;
  #challenge: string | null = null;
  #authorizedAt = 0;

  constructor(place: RegistryPlace, actions: RegistryActions, context: Context) {
    this.place = place;
    this.context = context;
    this.#actions = actions;
  }

  /** Where everything that is asked for lies. */
  get base(): string {
    const { origin, repository } = this.place;
    return this.#actions === 'catalog' ? `${origin}/v2/` : `${origin}/v2/${repository}/`;
  }

  get #scope(): string {
    return this.#actions === 'catalog'
      ? 'registry:catalog:*'
      : `repository:${this.place.repository}:${this.#actions}`;
  }

  /** Runs the work; where it is refused for want of a token, gets one and runs it again. */
  async authorized<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const challenge = this.#challenge;
        this.#challenge = null;
        if (challenge === null || Date.now() - this.#authorizedAt < freshMs) throw error;
        this.credential = await this.#answer(challenge);
        this.#authorizedAt = Date.now();
      }
    }
  }

  /** A small document of the repository, as bytes: digests are over bytes. */
  get(
    path: string,
    accept: string,
    maxBytes: number,
  ): Promise<{ readonly body: Buffer; readonly response: HttpResponse }> {
    const { download } = this.context;
    return this.authorized(() =>
      withRetries(download, async () => {
        const response = await follow(
          { url: this.base + path, headers: { accept }, credential: this.credential },
          download,
        );
        await requireOk(response, this.statusError);
        const body = await readBody(response, maxBytes);
        if (body !== null) return { body, response };
        throw new AxonError(
          'BAD_RESPONSE',
          `${response.url.host} answered more than ${maxBytes} bytes for ${path} of ${this.place.label}.`,
        );
      }),
    );
  }

  /** Says what a final status means, and keeps what a 401 of the registry itself asks for. */
  readonly statusError: StatusError = (response, body) => {
    const { label } = this.place;
    const { status, url } = response;
    const said = firstError(body);
    if (status === 401 && url.origin === this.place.origin)
      this.#challenge = header(response, 'www-authenticate');
    if (status === 401 || status === 403)
      return new AxonError(
        'ACCESS_DENIED',
        `${url.host} refuses ${label} (${status}${said}). It may not exist, or need a login: axon uses what \`docker login ${url.host}\` stored.`,
      );
    if (status === 404)
      return new AxonError('NOT_FOUND', `${url.host} has no ${label} (404${said}).`);
    return new AxonError('BAD_RESPONSE', `${url.host} answered ${status} for ${label}${said}.`);
  };

  async #answer(challenge: string): Promise<Credential> {
    const { scheme, parameters } = parseChallenge(challenge);
    if (scheme !== 'basic' && scheme !== 'bearer') throw this.#strange(challenge);
    const login = await this.place.login();
    if (scheme === 'bearer') return this.#token(parameters, login, challenge);
    if (login === null) throw this.#needsLogin();
    return { authorization: login, scope: this.base };
  }

  async #token(
    parameters: ReadonlyMap<string, string>,
    login: string | null,
    challenge: string,
  ): Promise<Credential> {
    const realm = this.#realm(parameters.get('realm') ?? '', challenge);
    const service = parameters.get('service');
    if (service !== undefined) realm.searchParams.set('service', service);
    // Our own words, not the challenge's: a registry must not choose what its token is good for.
    realm.searchParams.set('scope', this.#scope);
    const credential =
      login === null ? null : { authorization: login, scope: `${realm.origin}${realm.pathname}` };
    const { value } = await fetchJson(
      {
        url: realm.href,
        credential,
        statusError: ({ status, url }) =>
          status === 401 || status === 403
            ? this.#needsLogin()
            : new AxonError(
                'BAD_RESPONSE',
                `${url.host} answered ${status} where a token was due.`,
              ),
      },
      this.context.download,
    );
    const { token, access_token: other } = (value ?? {}) as Record<string, unknown>;
    const text = typeof token === 'string' && token !== '' ? token : other;
    if (typeof text !== 'string' || !/^[\x21-\x7e]{1,65536}$/.test(text))
      throw new AxonError('BAD_RESPONSE', `${realm.host} answered no token.`);
    return { authorization: `Bearer ${text}`, scope: this.base };
  }

  /** The password is sent there, so it has to be as safe a place as the registry. Rule 2. */
  #realm(text: string, challenge: string): URL {
    let realm: URL;
    try {
      realm = new URL(text);
    } catch {
      throw this.#strange(challenge);
    }
    const registry = new URL(this.place.origin);
    const safe = realm.protocol === 'https:' || realm.protocol === registry.protocol;
    if (!safe || !/^https?:$/.test(realm.protocol) || (isInside(realm) && !isInside(registry)))
      throw this.#strange(challenge);
    return realm;
  }

  #strange(challenge: string): AxonError {
    return new AxonError(
      'BAD_RESPONSE',
      `${this.place.origin} asks for a login in a way that is not followed: ${JSON.stringify(challenge.slice(0, 200))}.`,
    );
  }

  #needsLogin(): AxonError {
    const { origin, label } = this.place;
    const { host } = new URL(origin);
    return new AxonError(
      'ACCESS_DENIED',
      `${host} wants a login for ${label}, and none is stored or it is refused. Run \`docker login ${host}\`.`,
    );
  }
}

/** `Bearer realm="…",service="…"`: the scheme in lower case, and its parameters. */
export function parseChallenge(text: string): {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
} {
  const [scheme = ''] = text.trim().split(/\s/, 1);
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, bare] of text
    .slice(0, 8192)
    .matchAll(/([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g))
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '');
  return { scheme: scheme.toLowerCase(), parameters };
}

/** `{"errors":[{"code","message"}]}`, as registries explain themselves. */
function firstError(body: string): string {
  try {
    const { errors } = JSON.parse(body) as { errors?: readonly Record<string, unknown>[] };
    const { code, message } = errors?.[0] ?? {};
    const said = [code, message].filter((part) => typeof part === 'string' && part !== '');
    return said.length === 0 ? '' : `: ${said.join(', ').slice(0, 300)}`;
  } catch {
    return '';
  }
}
