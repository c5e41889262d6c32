import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import type { SearchHit } from '../hub.ts';
import { spdxOf } from './describe-repository.ts';
import { GitHubApi } from './github-api.ts';

/** GitHub takes no longer questions. */
const maxLength = 256;

/** GitHub's search of repositories, best first. Which of them have releases it does not say. */
export async function searchGitHub(
  words: string,
  limit: number,
  context: Context,
): Promise<readonly SearchHit[]> {
  if (words.length > maxLength)
    throw new AxonError('USAGE', `GitHub takes at most ${maxLength} characters to search for.`);
  const query = new URLSearchParams({ q: words, per_page: String(limit) });
  const api = new GitHubApi(context);
  const answer = await api.ask(`/search/repositories?${query}`, null);
  const { items } = (answer ?? {}) as { items?: unknown };
  if (!Array.isArray(items))
    throw new AxonError('BAD_RESPONSE', `${api.endpoint} did not answer a list of repositories.`);
  return (items as readonly (Record<string, unknown> | null)[]).slice(0, limit).flatMap(readHit);
}

function readHit(value: Record<string, unknown> | null): SearchHit[] {
  const { full_name: name, description, license } = value ?? {};
  if (typeof name !== 'string' || !/^[\w.-]+\/[\w.-]+$/.test(name)) return [];
  const spdx = spdxOf(license);
  return [
    {
      spec: `gh/${name}`,
      ...(typeof description === 'string' ? { description: description.slice(0, 2_000) } : {}),
      ...(spdx === null ? {} : { license: spdx }),
    },
  ];
}
