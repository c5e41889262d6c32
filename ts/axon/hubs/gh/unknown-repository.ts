import { nearest } from '../../../protocol/nearest.ts';
import { AxonError } from '../../axon-error.ts';
import { unknownModel } from '../near-names.ts';
import { dict, statedText } from '../stated.ts';
import type { GitHubApi } from './github-api.ts';

/** That the repository is not there, or not for everybody; with the nearest one of the same owner. */
export async function unknownRepository(
  hub: 'gh' | 'pytorch',
  repo: string,
  api: GitHubApi,
  cause: unknown,
): Promise<AxonError> {
  const [owner = ''] = repo.split('/');
  const path = `/users/${owner}/repos?per_page=100&sort=pushed`;
  const list = await api.maybe(path, `repositories of ${owner}`);
  const names = (Array.isArray(list) ? list : []).flatMap(
    (one: unknown) => statedText(dict(one)['full_name']) ?? [],
  );
  const best = nearest(repo, names);
  const token = api.credential === null ? ' (a private one needs GITHUB_TOKEN)' : '';
  const hint = best === null ? '' : ` Did you mean ${JSON.stringify(`${hub}/${best}`)}?`;
  const error = new AxonError('NOT_FOUND', `GitHub has no repository ${repo}${token}.${hint}`, {
    cause,
  });
  return best === null ? unknownModel(error, repo) : error;
}
