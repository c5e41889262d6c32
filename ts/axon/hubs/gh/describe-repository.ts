import type { Description } from '../hub.ts';
import type { GitHubApi } from './github-api.ts';

/** What GitHub says about the repository that a release belongs to; the release itself states no licence. */
export async function describeRepository(repo: string, api: GitHubApi): Promise<Description> {
  const about = (await api.ask(`/repos/${repo}`, `repository ${repo}`)) as {
    description?: unknown;
    homepage?: unknown;
    topics?: unknown;
    license?: { spdx_id?: unknown } | null;
  } | null;
  const { description, homepage, topics, license } = about ?? {};
  const spdx = spdxOf(license);
  const tags = (Array.isArray(topics) ? topics : [])
    .filter((topic): topic is string => typeof topic === 'string' && topic.length <= 100)
    .slice(0, 50);
  return {
    ...(typeof description === 'string' && description !== ''
      ? { description: description.slice(0, 2_000) }
      : {}),
    ...(typeof homepage === 'string' && /^https?:\/\//.test(homepage)
      ? { homepage: homepage.slice(0, 2_000) }
      : {}),
    ...(spdx === null ? {} : { license: spdx }),
    ...(tags.length === 0 ? {} : { tags }),
  };
}

/** GitHub's `NOASSERTION` is a licence that it does not know: nothing is stated then. */
export function spdxOf(license: { readonly spdx_id?: unknown } | null | undefined): string | null {
  const spdx = license?.spdx_id;
  return typeof spdx === 'string' && spdx !== 'NOASSERTION' && spdx.length <= 100 ? spdx : null;
}
