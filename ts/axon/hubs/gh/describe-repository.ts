import type { Description } from '../hub.ts';
import {
  dict,
  onlyStated,
  statedPeople,
  statedTags,
  statedText,
  statedUrl,
  statedWords,
} from '../stated.ts';
import type { GitHubApi } from './github-api.ts';
import type { Release } from './release.ts';

/** What GitHub says about the repository of a release; the release itself states no licence, but its time. */
export async function describeRepository(
  repo: string,
  release: Release,
  api: GitHubApi,
): Promise<Description> {
  const about = dict(await api.ask(`/repos/${repo}`, `repository ${repo}`));
  return onlyStated({
    description: statedText(about['description'], 2_000),
    homepage: statedUrl(about['homepage']),
    license: spdxOf(about['license']) ?? undefined,
    tags: statedTags(statedWords(about['topics'])),
    authors: statedPeople([dict(about['owner'])['login']]),
    created: release.published,
  });
}

/** GitHub's `NOASSERTION` is a licence that it does not know: nothing is stated then. */
export function spdxOf(license: unknown): string | null {
  const spdx = statedText(dict(license)['spdx_id'], 100);
  return spdx === undefined || spdx === 'NOASSERTION' ? null : spdx;
}
