import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchJson, type JsonAnswer, requireOk } from '../../download/fetch-json.ts';
import { type Credential, follow, parseHttpUrl } from '../../download/follow.ts';
import type { DownloadOptions } from '../../download/options.ts';
import { withRetries } from '../../download/retry.ts';
import { isBadToken, statusErrorFor } from './hf-errors.ts';
import { hfHome } from './hf-home.ts';

const defaultEndpoint = 'https://huggingface.co';

/** The endpoint and the token for it; the token is sent to this origin and to no other. */
export interface HfConnection {
  readonly endpoint: string;
  readonly download: DownloadOptions;
  credential: Credential | null;
  /** Where the token was found, for messages. */
  readonly tokenFrom: string;
}

export function connect({ env, settings, download }: Context): HfConnection {
  if (settings.get('registry.enable_huggingface') === false)
    throw new AxonError(
      'ACCESS_DENIED',
      'The hf hub is switched off here; `axon config set registry.enable_huggingface true` switches it on.',
    );
  if (['1', 'true', 'yes', 'on'].includes((env['HF_HUB_OFFLINE'] ?? '').toLowerCase()))
    throw new AxonError('NETWORK', 'HF_HUB_OFFLINE is set, so the hf hub is not asked.');
  const endpoint = (env['HF_ENDPOINT'] || defaultEndpoint).replace(/\/+$/, '');
  const { origin, host } = parseHttpUrl(endpoint);
  const found = findToken(env) ?? tokenOf('registry.huggingface_token', settings.text(tokenKey));
  if (found === null) return { endpoint, download, credential: null, tokenFrom: '' };
  if (endpoint !== defaultEndpoint)
    download.note(
      `The Hugging Face token (${found.from}) is sent to ${host}, as HF_ENDPOINT says.`,
    );
  return {
    endpoint,
    download,
    credential: { authorization: `Bearer ${found.token}`, scope: `${origin}/` },
    tokenFrom: found.from,
  };
}

const tokenKey = 'registry.huggingface_token';

interface FoundToken {
  readonly token: string;
  readonly from: string;
}

function tokenOf(from: string, text: string): FoundToken | null {
  const token = text.trim();
  return token === '' ? null : { token, from };
}

/** The places where Hugging Face's own tools look, in their order. */
function findToken(env: NodeJS.ProcessEnv): FoundToken | null {
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const found = tokenOf(name, env[name] ?? '');
    if (found !== null) return found;
  }
  if (env['HF_HUB_DISABLE_IMPLICIT_TOKEN'] === '1') return null;
  const file = env['HF_TOKEN_PATH'] || path.join(hfHome(env), 'token');
  try {
    return tokenOf(file, fs.readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** Asks the API, about a repository or, where none is named, for what there is. A token that the hub does not know fails even public repositories: then once without. */
export async function askApi(
  connection: HfConnection,
  url: string,
  repo: string | null,
): Promise<JsonAnswer> {
  const ask = () =>
    fetchJson(
      { url, credential: connection.credential, statusError: statusErrorFor(repo, connection) },
      connection.download,
    );
  try {
    return await ask();
  } catch (error) {
    if (connection.credential === null || !isBadToken(error)) throw error;
    connection.download.note(
      `The Hugging Face token (${connection.tokenFrom}) is not valid; going on without it.`,
    );
    connection.credential = null;
    return ask();
  }
}

/** The list of a gated repository is for all, its files are not: whether they would come is asked first. */
export function checkAccess(connection: HfConnection, repo: string): Promise<void> {
  const url = `${connection.endpoint}/api/models/${repo}/auth-check`;
  return withRetries(connection.download, async () => {
    const response = await follow({ url, credential: connection.credential }, connection.download);
    try {
      // Some mirrors do not know the question.
      if (response.status !== 404) await requireOk(response, statusErrorFor(repo, connection));
    } finally {
      response.body.destroy();
    }
  });
}
