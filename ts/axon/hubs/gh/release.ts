import { limits } from '../../../protocol/limits.ts';
import { didYouMean } from '../../../protocol/nearest.ts';
import { AxonError } from '../../axon-error.ts';
import type { ExpectedHash } from '../../download/options.ts';
import { isInside, nextUrl } from '../../download/redirect.ts';
import { statedTime } from '../stated.ts';
import type { GhSpec } from './gh-spec.ts';
import type { GitHubApi } from './github-api.ts';

/** One file of a release. */
export interface Asset {
  readonly name: string;
  readonly size: number;
  /** Null for what was uploaded before GitHub stated digests. */
  readonly expected: ExpectedHash | null;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Release {
  readonly tag: string;
  readonly page: string | null;
  /** When it was published, as GitHub states it. */
  readonly published: string | undefined;
  readonly assets: readonly Asset[];
}

/** A release holds at most 1000 files; GitHub gives the first of them with it. */
const mostPages = 20;
const pageSize = 100;

export async function readRelease({ repo, tag }: GhSpec, api: GitHubApi): Promise<Release> {
  const path =
    tag === 'latest'
      ? `/repos/${repo}/releases/latest`
      : `/repos/${repo}/releases/tags/${encodeURIComponent(tag)}`;
  const value = (await api.ask(path, `release ${tag} of ${repo}`)) as Record<
    string,
    unknown
  > | null;
  const { id, tag_name: found, html_url: page, published_at: published } = value ?? {};
  if (!Number.isSafeInteger(id) || typeof found !== 'string' || found.length > 200)
    throw new AxonError('BAD_RESPONSE', `${api.endpoint} did not answer a release of ${repo}.`);
  if (tag !== 'latest' && found !== tag)
    throw new AxonError(
      'BAD_RESPONSE',
      `${api.endpoint} answered the release ${found} of ${repo} where ${tag} was asked for.`,
    );
  return {
    tag: found,
    page: typeof page === 'string' && /^https?:\/\//.test(page) ? page.slice(0, 2_000) : null,
    published: statedTime(published),
    assets: await readAssets(repo, id as number, api),
  };
}

async function readAssets(repo: string, release: number, api: GitHubApi): Promise<Asset[]> {
  const assets: Asset[] = [];
  for (let page = 1; page <= mostPages; page++) {
    const list = await api.ask(
      `/repos/${repo}/releases/${release}/assets?per_page=${pageSize}&page=${page}`,
      `release of ${repo}`,
    );
    if (!Array.isArray(list))
      throw new AxonError('BAD_RESPONSE', `${api.endpoint} did not list the files of ${repo}.`);
    assets.push(...list.flatMap((entry: unknown) => readAsset(entry, repo, api)));
    if (list.length < pageSize || assets.length > limits.packageFiles) break;
  }
  return assets;
}

function readAsset(value: unknown, repo: string, api: GitHubApi): Asset[] {
  const {
    id,
    name,
    size,
    state,
    digest,
    browser_download_url: open,
  } = (value ?? {}) as Record<string, unknown>;
  // An upload that was never finished is listed, and has no bytes.
  if (state !== 'uploaded' || typeof name !== 'string') return [];
  if (!Number.isSafeInteger(id) || !Number.isSafeInteger(size) || (size as number) < 0)
    throw new AxonError(
      'BAD_RESPONSE',
      `${api.endpoint} lists ${JSON.stringify(name.slice(0, 200))} of ${repo} without its size.`,
    );
  return [
    {
      name,
      size: size as number,
      expected: statedDigest(digest),
      ...place(id as number, open, repo, api),
    },
  ];
}

/**
 * With a token the API brings the file, as it must for a private repository; without one the public
 * address does, which is not counted among the questions.
 */
function place(
  id: number,
  open: unknown,
  repo: string,
  api: GitHubApi,
): Pick<Asset, 'url' | 'headers'> {
  if (api.credential !== null || typeof open !== 'string')
    return {
      url: `${api.endpoint}/repos/${repo}/releases/assets/${id}`,
      headers: { accept: 'application/octet-stream' },
    };
  const home = new URL(api.endpoint);
  return { url: nextUrl(home, open, isInside(home)).href, headers: {} };
}

function statedDigest(digest: unknown): ExpectedHash | null {
  const hex = typeof digest === 'string' ? /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1] : undefined;
  return hex === undefined ? null : { algorithm: 'sha256', hex };
}

export function requireAsset({ assets, tag }: Release, name: string, repo: string): Asset {
  const found = assets.find((asset) => asset.name === name);
  if (found !== undefined) return found;
  const names = assets.map((asset) => asset.name);
  throw new AxonError(
    'NOT_FOUND',
    `The release ${tag} of ${repo} has no ${JSON.stringify(name)}.${didYouMean(name, names)} It has: ${names.slice(0, 12).join(', ') || 'no files'}.`,
  );
}
