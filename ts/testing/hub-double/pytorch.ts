import type { Handler } from './answers.ts';
import { sendBytes, sendJson } from './answers.ts';
import { commitOf } from './hashes.ts';

/** Weights by their path below `/models/`. What is not there answers 403, as the real store does. */
export function pytorchDouble(weights: Readonly<Record<string, Buffer>>): Handler {
  return (request, response, url) => {
    const data = weights[url.pathname.replace(/^\/models\//, '')];
    if (data === undefined) {
      response.writeHead(403, { 'content-type': 'application/xml' });
      response.end('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>');
    } else sendBytes(request, response, data, { etag: '"deadbeefdeadbeefdeadbeefdeadbeef-7"' });
  };
}

export interface CodeRepo {
  readonly id: string;
  readonly files: Readonly<Record<string, string>>;
  readonly license?: string;
  /** Commits of a fork: answered under this name too, though no branch here holds them. */
  readonly foreign?: readonly string[];
}

export const headOfCode = (repo: CodeRepo) => commitOf(repo.id + JSON.stringify(repo.files));

type Answer = readonly [status: number, value: object];
const notFound: Answer = [404, { message: 'Not Found' }];

/** What each verb below `/repos/<id>/` answers for the rest of the path. */
const verbs: Readonly<
  Record<string, (repo: CodeRepo, rest: string, ref: string | null) => Answer>
> = {
  '': ({ license }) => [
    200,
    { default_branch: 'main', license: license === undefined ? null : { spdx_id: license } },
  ],
  commits: (repo, name) =>
    ['heads/main', 'tags/v1', ...(repo.foreign ?? [])].includes(name)
      ? [200, { sha: headOfCode(repo) }]
      : [422, { message: `No commit found for SHA: ${name}` }],
  compare: (repo, range) =>
    [headOfCode(repo), ...(repo.foreign ?? [])].includes(range.slice(0, 40))
      ? [200, { merge_base_commit: { sha: headOfCode(repo) } }]
      : notFound,
  contents: (repo, path, ref) => {
    const text = repo.files[path];
    if (ref !== headOfCode(repo) || text === undefined) return notFound;
    return [200, { encoding: 'base64', content: Buffer.from(text).toString('base64') }];
  },
};

/** GitHub's answers about a repository: its branch `main`, its tag `v1`, single files. */
export function githubDouble(repos: readonly CodeRepo[]): Handler {
  return (_request, response, url) => {
    const [, id, verb = '', rest = ''] =
      /^\/repos\/([^/]+\/[^/]+)(?:\/([^/]+)\/(.*))?$/.exec(decodeURIComponent(url.pathname)) ?? [];
    const repo = repos.find((candidate) => candidate.id === id);
    const answer =
      repo === undefined ? undefined : verbs[verb]?.(repo, rest, url.searchParams.get('ref'));
    sendJson(response, ...(answer ?? notFound));
  };
}
