import { AxonError } from '../../axon-error.ts';
import type { StatusError } from '../../download/fetch-json.ts';
import { header } from '../../download/http.ts';
import { httpStatusError, searchStatusError } from '../status-error.ts';
import type { HfConnection } from './hf-api.ts';

type Words = (status: number, said: string) => AxonError;

/**
 * The hub's vocabulary (X-Error-Code, else the status) in ours. `file`: the one file that was asked for; no
 * `repo`: it was searched.
 */
export function statusErrorFor(
  repo: string | null,
  connection: HfConnection,
  file: string | null = null,
): StatusError {
  const words = repo === null ? null : wordsFor(repo, connection, file);
  const other =
    repo === null
      ? searchStatusError
      : httpStatusError(file === null ? repo : `${file} of ${repo}`);
  return (response, body) => {
    const said = header(response, 'x-error-message') ?? body.slice(0, 200);
    if (/invalid credentials/i.test(said))
      return new AxonError('ACCESS_DENIED', 'The Hugging Face token is not valid.', {
        details: { bad_token: true },
      });
    const code = header(response, 'x-error-code') ?? String(response.status);
    return words?.get(code)?.(response.status, said) ?? other(response, body);
  };
}

function wordsFor(
  repo: string,
  { endpoint, credential }: HfConnection,
  file: string | null,
): ReadonlyMap<string, Words> {
  const page = `${endpoint}/${repo}`;
  const login = credential === null ? 'Set HF_TOKEN.' : 'The token in use does not have access.';
  const refused: Words = (status, said) =>
    new AxonError('ACCESS_DENIED', `${repo}: the hub refuses (${status}): ${said}. ${login}`);
  const missing: Words = (status) =>
    new AxonError(
      'NOT_FOUND',
      status === 401
        ? `${repo} does not exist, or is private. ${login}`
        : `${repo} does not exist at ${endpoint}. Check the spelling.`,
    );
  return new Map<string, Words>([
    [
      'GatedRepo',
      (status) =>
        new AxonError(
          'ACCESS_DENIED',
          status === 401
            ? `${repo} is gated: accept its terms at ${page}, then set HF_TOKEN to a token of your account.`
            : `${repo} is gated, and the account of the token in use has no access: ask for it, or accept its terms at ${page}.`,
        ),
    ],
    [
      'RevisionNotFound',
      (_status, said) =>
        new AxonError(
          'NOT_FOUND',
          `${repo} has no such revision (${said}). Its branches and tags are at ${page}/tree/main.`,
          { details: { no_revision: true } },
        ),
    ],
    [
      'EntryNotFound',
      (_status, said) =>
        new AxonError('NOT_FOUND', `${repo} has no ${file ?? 'such file'} any more: ${said}`),
    ],
    ['RepoNotFound', missing],
    // A content network that has lost one file says nothing about the repository.
    ...(file === null ? [['404', missing] as const] : []),
    [
      '451',
      (_status, said) =>
        new AxonError('ACCESS_DENIED', `${repo} may not be given out here (451): ${said}.`),
    ],
    ['401', refused],
    ['403', refused],
  ]);
}

export function isBadToken(error: unknown): boolean {
  return error instanceof AxonError && error.details?.['bad_token'] === true;
}

export function isNoRevision(error: unknown): boolean {
  return error instanceof AxonError && error.details?.['no_revision'] === true;
}
