import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchJson, type JsonAnswer } from '../../download/fetch-json.ts';
import { type Credential, parseHttpUrl } from '../../download/follow.ts';
import type { DownloadOptions } from '../../download/options.ts';
import { isBadToken, statusErrorFor } from './hf-errors.ts';

const defaultEndpoint = 'https://huggingface.co';

/** The endpoint and the token for it; the token is sent to this origin and to no other. */
export interface HfConnection {
  readonly endpoint: string;
  readonly download: DownloadOptions;
  credential: Credential | null;
}

export function connect({ env, settings, download }: Context): HfConnection {
  if (settings.get('registry.enable_huggingface') === false)
    throw new AxonError(
      'ACCESS_DENIED',
      'The hf hub is switched off here; `axon config set registry.enable_huggingface true` switches it on.',
    );
  const endpoint = (env['HF_ENDPOINT'] || defaultEndpoint).replace(/\/+$/, '');
  const { origin } = parseHttpUrl(endpoint);
  const token = findToken(env) || settings.text('registry.huggingface_token');
  const credential =
    token === '' ? null : { authorization: `Bearer ${token}`, scope: `${origin}/` };
  return { endpoint, download, credential };
}

/** The places where Hugging Face's own tools look, in their order. */
function findToken(env: NodeJS.ProcessEnv): string {
  const direct = env['HF_TOKEN'] || env['HUGGING_FACE_HUB_TOKEN'];
  if (direct) return direct.trim();
  if (env['HF_HUB_DISABLE_IMPLICIT_TOKEN'] === '1') return '';
  const cache = env['XDG_CACHE_HOME'] || path.join(env['HOME'] ?? '', '.cache');
  const file =
    env['HF_TOKEN_PATH'] || path.join(env['HF_HOME'] || path.join(cache, 'huggingface'), 'token');
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Asks the API. A token that the hub does not know fails even public repositories: then once without. */
export async function askApi(
  connection: HfConnection,
  url: string,
  repo: string,
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
    connection.download.note('The Hugging Face token is not valid; going on without it.');
    connection.credential = null;
    return ask();
  }
}
