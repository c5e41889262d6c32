import type http from 'node:http';
import { type Handler, sendBytes, sendJson, sendRedirect } from './answers.ts';
import type { Cdn } from './cdn.ts';
import { commitOf, sha256 } from './hashes.ts';

export interface ModelscopeRepo {
  readonly id: string;
  readonly files: Readonly<Record<string, Buffer | string>>;
  readonly license?: string;
  readonly private?: boolean;
  /** Files of whom the list states no hash. */
  readonly unhashed?: readonly string[];
  /** The branch that is there. */
  readonly branch?: string;
}

export const modelscopeToken = 'ms_good';
export const headOfModelscope = ({ id, files }: ModelscopeRepo) =>
  commitOf(id + Object.keys(files).join());

const cut = 3000;
const large = /\.(safetensors|bin|onnx|pt|pth)$/;

interface Call {
  readonly repo: ModelscopeRepo;
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly query: URLSearchParams;
  readonly cdn: Cdn;
}

function ok(response: http.ServerResponse, Data: unknown): void {
  sendJson(response, 200, { Code: 200, Success: true, Message: 'success', RequestId: 'r', Data });
}

/** `Success: false`; with status 404, or 200 as it happens too. */
export function failure(code: number, message: string): object {
  return { Code: code, Success: false, Message: message, RequestId: 'r' };
}

const routes: Readonly<Record<string, (call: Call) => void>> = {
  '': ({ repo, response }) =>
    ok(response, {
      Name: repo.id.split('/')[1],
      License: repo.license ?? 'Apache License 2.0',
      Tags: ['vision'],
      Tasks: [{ Name: 'image-classification' }],
      Libraries: ['pytorch'],
      Path: repo.id.split('/')[0],
      Organization: { Name: 'org', FullName: 'An Organization' },
      Description: 'Sees what there is.',
      CreatedTime: 1_650_000_000,
      LastUpdatedTime: 1_700_000_000,
    }),
  revisions: ({ repo, response }) => {
    const at = { CommitId: headOfModelscope(repo) };
    ok(response, {
      RevisionMap: {
        Branches: [{ Revision: repo.branch ?? 'master', ...at }],
        Tags: [{ Revision: 'v1.0', ...at }],
      },
    });
  },
  commits: ({ repo, response, query }) => {
    const known = [repo.branch ?? 'master', 'v1.0', headOfModelscope(repo)];
    const isKnown = known.includes(query.get('Ref') ?? known[0] ?? '');
    ok(response, { Commit: isKnown ? [{ Id: headOfModelscope(repo) }] : null });
  },
  'repo/files': listFiles,
  repo: sendFile,
};

/** The real API with its quirks: cut lists, the case of `Recursive`, Range answered with 200, 404 for all. */
export function modelscopeDouble(repos: readonly ModelscopeRepo[], cdn: Cdn): Handler {
  return (request, response, url) => {
    if (url.pathname === '/openapi/v1/models') {
      const models = repos
        .filter(({ id }) => id.includes(url.searchParams.get('search') ?? ''))
        .map(({ id }) => ({ id, downloads: 7, license: 'Apache License 2.0' }));
      sendJson(response, 200, { success: true, data: { models, total_count: models.length } });
      return;
    }
    const [, id, route = ''] =
      /^\/api\/v1\/models\/([^/]+\/[^/]+)\/?(.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
    const repo = repos.find((candidate) => candidate.id === id);
    const { authorization, cookie } = request.headers;
    const isKnown =
      authorization === `Bearer ${modelscopeToken}` && cookie === `m_session_id=${modelscopeToken}`;
    const answer = routes[route];
    if (repo === undefined || answer === undefined || (repo.private === true && !isKnown))
      sendJson(response, 404, failure(10010205001, '获取模型信息失败，信息：record not found'));
    else answer({ repo, request, response, query: url.searchParams, cdn });
  };
}

function atHead({ repo, response, query }: Call): boolean {
  if (query.get('Revision') === headOfModelscope(repo)) return true;
  sendJson(response, 404, failure(10990101004, 'no tree found at revision'));
  return false;
}

function listFiles(call: Call): void {
  const { repo, response, query } = call;
  if (!atHead(call)) return;
  const root = query.get('Root') ?? '';
  const prefix = root === '' ? '' : `${root}/`;
  const deep = query.get('Recursive') === 'True';
  const entries = new Map<string, object>();
  for (const [path, content] of Object.entries(repo.files)) {
    if (!path.startsWith(prefix)) continue;
    const parts = path.slice(prefix.length).split('/');
    for (let depth = 1; depth < parts.length && (deep || depth === 1); depth++) {
      const folder = prefix + parts.slice(0, depth).join('/');
      entries.set(folder, { Path: folder, Type: 'tree', Size: 0, Sha256: '' });
    }
    const data = Buffer.from(content);
    const Sha256 = repo.unhashed?.includes(path) ? '' : sha256(data);
    if (deep || parts.length === 1)
      entries.set(path, { Path: path, Type: 'blob', Size: data.length, Sha256 });
  }
  ok(response, { Files: [...entries.values()].slice(0, cut) });
}

function sendFile(call: Call): void {
  const { repo, request, response, query, cdn } = call;
  if (!atHead(call)) return;
  const path = query.get('FilePath') ?? '';
  const content = repo.files[path];
  if (content === undefined) {
    sendJson(response, 404, failure(10990101005, 'file not found'));
    return;
  }
  const data = Buffer.from(content);
  if (large.test(path)) {
    sendRedirect(response, 302, cdn.put(data));
    return;
  }
  // A part is sent with status 200, though its headers are those of a 206.
  const writeHead = response.writeHead.bind(response);
  response.writeHead = ((status: number, headers: http.OutgoingHttpHeaders) =>
    writeHead(status === 206 ? 200 : status, headers)) as typeof response.writeHead;
  sendBytes(request, response, data);
}
