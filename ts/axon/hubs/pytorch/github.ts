import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { spdxOf } from '../gh/describe-repository.ts';
import { GitHubApi } from '../gh/github-api.ts';

const commitPattern = /^[0-9a-f]{40}$/;

/** A repository on GitHub, pinned to a commit that one of its own branches or tags holds. */
export interface PinnedRepo {
  readonly repo: string;
  readonly commit: string;
  readonly license: string | null;
}

/** The few things that are asked of GitHub: a commit's name, and single text files at it. */
export class GitHub {
  readonly #api: GitHubApi;

  constructor(context: Context) {
    this.#api = new GitHubApi(context);
  }

  get endpoint(): string {
    return this.#api.endpoint;
  }

  async pin(repo: string, ref: string | null): Promise<PinnedRepo> {
    const about = (await this.#api.ask(`/repos/${repo}`, `repository ${repo}`)) as {
      default_branch?: unknown;
      license?: { spdx_id?: unknown } | null;
    };
    const branch = String(about.default_branch ?? 'HEAD');
    const commit = await this.#commit(repo, ref, branch);
    return { repo, commit, license: spdxOf(about.license) };
  }

  /** A text file at the commit, or null where there is none. */
  async text({ repo, commit }: PinnedRepo, path: string): Promise<string | null> {
    const at = path.split('/').map(encodeURIComponent).join('/');
    const answer = (await this.#api.maybe(`/repos/${repo}/contents/${at}?ref=${commit}`, repo)) as {
      content?: unknown;
      encoding?: unknown;
    } | null;
    if (answer === null) return null;
    if (typeof answer.content !== 'string' || answer.encoding !== 'base64')
      throw new AxonError('BAD_RESPONSE', `${this.endpoint} did not answer the text of ${path}.`);
    return Buffer.from(answer.content, 'base64').toString('utf8');
  }

  /*
   * GitHub answers a fork's commit under the name of the repository that it was forked from. So a
   * branch or a tag is asked for as such, and a commit must be one that the default branch holds.
   */
  async #commit(repo: string, ref: string | null, branch: string): Promise<string> {
    if (ref !== null && commitPattern.test(ref)) {
      const path = `/repos/${repo}/compare/${ref}...${encodeURIComponent(branch)}?per_page=1`;
      const answer = (await this.#api.maybe(path, repo)) as {
        merge_base_commit?: { sha?: unknown };
      } | null;
      if (answer?.merge_base_commit?.sha === ref) return ref;
      throw new AxonError(
        'NOT_FOUND',
        `The commit ${ref} is not one of the branch ${branch} of ${repo}. Name a branch or a tag that holds it.`,
      );
    }
    for (const name of [`heads/${ref ?? branch}`, ...(ref === null ? [] : [`tags/${ref}`])]) {
      const answer = (await this.#api.maybe(
        `/repos/${repo}/commits/${encodeURIComponent(name)}`,
        repo,
      )) as { sha?: unknown } | null;
      if (typeof answer?.sha === 'string' && commitPattern.test(answer.sha)) return answer.sha;
    }
    throw new AxonError('NOT_FOUND', `${repo} has no branch or tag ${ref ?? branch}.`);
  }
}
