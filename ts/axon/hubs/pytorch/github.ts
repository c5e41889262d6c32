import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchJson, type StatusError } from '../../download/fetch-json.ts';
import { type Credential, parseHttpUrl } from '../../download/follow.ts';
import type { DownloadOptions } from '../../download/options.ts';
import { httpStatusError } from '../status-error.ts';

const commitPattern = /^[0-9a-f]{40}$/;

/** A repository on GitHub, pinned to a commit that one of its own branches or tags holds. */
export interface PinnedRepo {
  readonly repo: string;
  readonly commit: string;
  readonly license: string | null;
}

/** The few things that are asked of GitHub: a commit's name, and single text files at it. */
export class GitHub {
  readonly endpoint: string;
  readonly #credential: Credential | null;
  readonly #download: DownloadOptions;

  constructor({ env, download }: Context) {
    this.endpoint = (env['GITHUB_API_URL'] || 'https://api.github.com').replace(/\/+$/, '');
    const token = (env['GITHUB_TOKEN'] || env['GH_TOKEN'] || '').trim();
    const { origin } = parseHttpUrl(this.endpoint);
    this.#credential =
      token === '' ? null : { authorization: `Bearer ${token}`, scope: `${origin}/` };
    this.#download = download;
  }

  async pin(repo: string, ref: string | null): Promise<PinnedRepo> {
    const about = (await this.#ask(`/repos/${repo}`, repo)) as {
      default_branch?: unknown;
      license?: { spdx_id?: unknown } | null;
    };
    const branch = String(about.default_branch ?? 'HEAD');
    const commit = await this.#commit(repo, ref, branch);
    const spdx = about.license?.spdx_id;
    const license =
      typeof spdx === 'string' && spdx !== 'NOASSERTION' && spdx.length <= 100 ? spdx : null;
    return { repo, commit, license };
  }

  /** A text file at the commit, or null where there is none. */
  async text({ repo, commit }: PinnedRepo, path: string): Promise<string | null> {
    const at = path.split('/').map(encodeURIComponent).join('/');
    const answer = (await this.#maybe(`/repos/${repo}/contents/${at}?ref=${commit}`, repo)) as {
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
      const answer = (await this.#maybe(path, repo)) as {
        merge_base_commit?: { sha?: unknown };
      } | null;
      if (answer?.merge_base_commit?.sha === ref) return ref;
      throw new AxonError(
        'NOT_FOUND',
        `The commit ${ref} is not one of the branch ${branch} of ${repo}. Name a branch or a tag that holds it.`,
      );
    }
    for (const name of [`heads/${ref ?? branch}`, ...(ref === null ? [] : [`tags/${ref}`])]) {
      const answer = (await this.#maybe(
        `/repos/${repo}/commits/${encodeURIComponent(name)}`,
        repo,
      )) as { sha?: unknown } | null;
      if (typeof answer?.sha === 'string' && commitPattern.test(answer.sha)) return answer.sha;
    }
    throw new AxonError('NOT_FOUND', `${repo} has no branch or tag ${ref ?? branch}.`);
  }

  async #ask(path: string, repo: string): Promise<unknown> {
    const { value } = await fetchJson(
      {
        url: this.endpoint + path,
        credential: this.#credential,
        statusError: this.#statusError(repo),
      },
      this.#download,
    );
    return value;
  }

  async #maybe(path: string, repo: string): Promise<unknown> {
    try {
      return await this.#ask(path, repo);
    } catch (error) {
      if (error instanceof AxonError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  }

  #statusError(repo: string): StatusError {
    const other = httpStatusError(`repository ${repo}`);
    return (response, body) => {
      if (response.status === 403 && response.headers['x-ratelimit-remaining'] === '0')
        return new AxonError(
          'RATE_LIMITED',
          `${response.url.host} answers no more questions of this address for now. Set GITHUB_TOKEN, or try in an hour.`,
        );
      // "No commit found" is a 422.
      if (response.status === 422) return new AxonError('NOT_FOUND', `${repo} has no such commit.`);
      return other(response, body);
    };
  }
}
