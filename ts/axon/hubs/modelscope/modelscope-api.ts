import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchJson, type StatusError } from '../../download/fetch-json.ts';
import { type Credential, parseHttpUrl } from '../../download/follow.ts';
import type { DownloadOptions } from '../../download/options.ts';
import { Retryable, withRetries } from '../../download/retry.ts';
import { httpStatusError, searchStatusError } from '../status-error.ts';

interface Envelope {
  readonly Code?: unknown;
  readonly Success?: unknown;
  readonly Message?: unknown;
  readonly Data?: unknown;
}

/*
 * 1. An answer is good only if its envelope says so: `Success: false` comes with status 200 too.
 * 2. What is missing, private or gated all answers 404; an overloaded database does as well, and only
 *    its words tell.
 */
export class ModelscopeApi {
  readonly endpoint: string;
  readonly credential: Credential | null;
  readonly download: DownloadOptions;

  constructor({ env, download }: Context) {
    const given = env['MODELSCOPE_ENDPOINT'] || 'https://www.modelscope.cn';
    this.endpoint = (/^https?:\/\//.test(given) ? given : `https://${given}`).replace(/\/+$/, '');
    const { origin } = parseHttpUrl(this.endpoint);
    const token = (env['MODELSCOPE_API_TOKEN'] ?? '').trim();
    this.credential =
      token === ''
        ? null
        : {
            authorization: `Bearer ${token}`,
            cookie: `m_session_id=${token}`,
            scope: `${origin}/`,
          };
    this.download = download;
  }

  /** `Data` of the answer. */
  ask(route: string, repo: string): Promise<Record<string, unknown>> {
    return withRetries(this.download, async () => {
      const value = await this.#fetch(`/api/v1/models/${route}`, this.statusError(repo));
      const { Success, Data } = value as Envelope;
      if (Success !== true || typeof Data !== 'object' || Data === null)
        throw this.#failure(value as Envelope, repo, null);
      return Data as Record<string, unknown>;
    });
  }

  search(query: string): Promise<object> {
    return this.#fetch(`/openapi/v1/models?${query}`, (response, body) => {
      refuseOverload(readEnvelope(body)?.Message);
      return searchStatusError(response, body);
    });
  }

  async #fetch(path: string, statusError: StatusError): Promise<object> {
    const url = this.endpoint + path;
    const { credential } = this;
    const { value } = await fetchJson({ url, credential, statusError }, this.download);
    if (typeof value === 'object' && value !== null) return value;
    throw new AxonError('BAD_RESPONSE', `${url} answered no JSON object.`);
  }

  /** `file`: the one file that was asked for. */
  statusError(repo: string, file: string | null = null): StatusError {
    const other = httpStatusError(file === null ? repo : `${file} of ${repo}`);
    return (response, body) => {
      const envelope = readEnvelope(body);
      if (envelope === null) return other(response, body);
      return this.#failure(envelope, repo, file);
    };
  }

  #failure({ Code, Message }: Envelope, repo: string, file: string | null): AxonError {
    refuseOverload(Message);
    const said = typeof Message === 'string' ? Message.slice(0, 200) : '';
    const page = `${this.endpoint}/models/${repo}`;
    const login =
      this.credential === null
        ? 'Set MODELSCOPE_API_TOKEN.'
        : 'The token in use may be wrong: ModelScope does not say so.';
    if (Code === 10990101004)
      return new AxonError('NOT_FOUND', `${repo} has no such revision at ModelScope (${said}).`);
    if (Code === 10010200001 || Code === 401 || Code === 403)
      return new AxonError(
        'ACCESS_DENIED',
        `ModelScope refuses ${repo} (${said}). Accept its terms at ${page}. ${login}`,
      );
    const what = file === null ? repo : `${file} of ${repo}`;
    return new AxonError(
      'NOT_FOUND',
      `${what} does not exist at ModelScope, or is private, or its terms have to be accepted at ${page} (code ${String(Code)}: ${said}). ${login}`,
    );
  }
}

/** Rule 2. */
function refuseOverload(said: unknown): void {
  if (typeof said === 'string' && /max_prepared_stmt_count|too many connections/i.test(said))
    throw new Retryable('ModelScope is overloaded');
}

function readEnvelope(body: string): Envelope | null {
  try {
    const value = JSON.parse(body) as unknown;
    return typeof value === 'object' && value !== null && 'Code' in value ? value : null;
  } catch {
    return null;
  }
}
