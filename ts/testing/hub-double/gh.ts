import { type Handler, sendJson, sendRedirect } from './answers.ts';
import type { Cdn } from './cdn.ts';
import { sha256 } from './hashes.ts';

export interface GhRelease {
  readonly repo: string;
  readonly tag: string;
  readonly assets: Readonly<Record<string, Buffer>>;
  /** A lie about all digests; null states none, as for old releases. */
  readonly digest?: string | null;
  /** The tag that the answer names, if not that one. */
  readonly answers?: string;
  /** Private: only with this token, and by the API only. */
  readonly token?: string;
}

/** GitHub's answers about releases; all other questions are for `others`. Files come by a redirect. */
export function releasesDouble(releases: readonly GhRelease[], cdn: Cdn, others: Handler): Handler {
  const about = aboutReleases(releases, cdn, others);
  return (request, response, url) => {
    if (url.pathname === '/search/repositories')
      sendJson(response, 200, { items: search(releases, url.searchParams) });
    else about(request, response, url);
  };
}

function aboutReleases(releases: readonly GhRelease[], cdn: Cdn, others: Handler): Handler {
  return (request, response, url) => {
    const path = decodeURIComponent(url.pathname);
    const repo = /^\/(?:repos\/)?([^/]+\/[^/]+)/.exec(path)?.[1];
    const mine = releases.filter((release) => release.repo === repo);
    const [first] = mine;
    if (repo === undefined || first === undefined) {
      others(request, response, url);
      return;
    }
    const allowed =
      first.token === undefined || request.headers.authorization === `Bearer ${first.token}`;
    const rest = path.replace(/^\/(?:repos\/)?[^/]+\/[^/]+/, '');
    const isApi = path.startsWith('/repos/');
    const answer = allowed
      ? answerFor(mine, rest, isApi, url, String(request.headers.accept))
      : null;
    if (typeof answer === 'string' || answer instanceof Buffer)
      sendRedirect(response, 302, cdn.put(Buffer.from(answer)));
    else sendJson(response, answer === null ? 404 : 200, answer ?? { message: 'Not Found' });
  };
}

/** Every word must be in the name, as GitHub has it where nothing else matches. */
function search(releases: readonly GhRelease[], query: URLSearchParams): object[] {
  const words = (query.get('q') ?? '').split(' ');
  const open = releases.filter(({ token }) => token === undefined).map(({ repo }) => repo);
  return [...new Set(open)]
    .filter((repo) => words.every((word) => repo.includes(word)))
    .slice(0, Number(query.get('per_page')))
    .map((repo) => ({
      full_name: repo,
      description: 'Small nets.',
      license: { spdx_id: 'MIT' },
      stargazers_count: 3,
    }));
}

/** Bytes to be sent, JSON, or null: there is no such thing. */
function answerFor(
  releases: readonly GhRelease[],
  rest: string,
  isApi: boolean,
  url: URL,
  accept: string,
): Buffer | object | null {
  const [, tag, name] = /^\/releases\/download\/(.+)\/([^/]+)$/.exec(rest) ?? [];
  if (!isApi) {
    const open = releases.find((one) => one.tag === tag && one.token === undefined);
    return open?.assets[name ?? ''] ?? null;
  }
  if (rest === '')
    return {
      description: 'Small nets.',
      homepage: 'https://acme.example/nets',
      license: { spdx_id: 'MIT' },
      owner: { login: 'acme' },
      topics: ['onnx'],
    };
  const all = releases.flatMap((release) =>
    Object.entries(release.assets).map(([title, data]) => ({ release, title, data })),
  );
  const id = /^\/releases\/assets\/(\d+)$/.exec(rest)?.[1];
  if (id !== undefined)
    return accept === 'application/octet-stream' ? (all[Number(id)]?.data ?? null) : {};
  const ofRelease = /^\/releases\/(\d+)\/assets$/.exec(rest)?.[1];
  if (ofRelease !== undefined) {
    const page = Number(url.searchParams.get('page'));
    const size = Number(url.searchParams.get('per_page'));
    return all
      .map((entry, index) => ({ ...entry, index }))
      .filter(({ release }) => release === releases[Number(ofRelease)])
      .map(({ release, title, data, index }) => assetOf(release, title, data, index, url.origin))
      .slice((page - 1) * size, page * size);
  }
  const wanted = /^\/releases\/tags\/(.+)$/.exec(rest)?.[1];
  const index =
    rest === '/releases/latest'
      ? releases.length - 1
      : releases.findIndex((release) => release.tag === wanted);
  const release = releases[index];
  if (release === undefined) return null;
  return {
    id: index,
    published_at: '2024-05-06T07:08:09Z',
    tag_name: release.answers ?? release.tag,
    html_url: `https://github.example/${release.repo}/releases/tag/${release.tag}`,
  };
}

function assetOf(release: GhRelease, name: string, data: Buffer, id: number, base: string) {
  const { repo, tag, digest = `sha256:${sha256(data)}` } = release;
  return {
    id,
    name,
    size: data.length,
    // An upload that broke off is listed so.
    state: name.endsWith('.part') ? 'starter' : 'uploaded',
    digest,
    browser_download_url: `${base}/${repo}/releases/download/${tag}/${name}`,
  };
}
