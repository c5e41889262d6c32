import type http from 'node:http';
import { sendBytes, sendJson, sendRedirect } from './answers.ts';
import type { Cdn } from './cdn.ts';
import { commitOf, gitBlob, sha256 } from './hashes.ts';

export interface HfRepo {
  readonly id: string;
  readonly files: Readonly<Record<string, Buffer | string>>;
  readonly license?: string;
  readonly gated?: boolean;
  readonly private?: boolean;
  /** Cards are not all alike: fields of `cardData` in place of the licence. */
  readonly card?: object;
  /** Former ids; they answer a relative redirect. */
  readonly aliases?: readonly string[];
}

const lfs = /\.(onnx|onnx_data|bin|safetensors|gguf)$/;

export const goodToken = 'hf_good';
/** Known to the hub, but on nobody's list. */
export const strangerToken = 'hf_nogrant';
/** What each repository has beside its head, with the same files. */
const refs = ['main', 'v1.0', 'refs/pr/1'];

export function headOf(repo: HfRepo): string {
  return commitOf(repo.id + Object.keys(repo.files).join());
}

interface HfOptions {
  readonly repos: readonly HfRepo[];
  readonly pageSize: number;
  readonly cdn: Cdn;
}

/** The routes of Hugging Face that axon uses: revision, tree with pages, resolve with both redirects. */
export class HfDouble {
  readonly #options: HfOptions;

  constructor(options: HfOptions) {
    this.#options = options;
  }

  hub(request: http.IncomingMessage, response: http.ServerResponse, url: URL): void {
    const { authorization } = request.headers;
    const tokens = [goodToken, strangerToken].map((token) => `Bearer ${token}`);
    if (authorization !== undefined && !tokens.includes(authorization)) {
      this.#error(response, 401, null, 'Invalid credentials in Authorization header');
      return;
    }
    if (url.pathname === '/api/models') {
      this.#search(response, url);
      return;
    }
    const access = /^\/api\/models\/(.+?)\/(auth-check|refs)$/.exec(url.pathname);
    if (access !== null) {
      this.#about(request, response, access);
      return;
    }
    const api = /^\/api\/models\/(.+?)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    if (api !== null) {
      this.#api(request, response, url, api);
      return;
    }
    const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([0-9a-f]{40})\/(.+)$/.exec(
      url.pathname,
    );
    if (cached !== null) {
      this.#small(request, response, cached);
      return;
    }
    const resolve = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    if (resolve !== null) {
      this.#resolve(request, response, resolve);
      return;
    }
    this.#error(response, 404, null, 'Not found');
  }

  #find(id: string): HfRepo | undefined {
    return this.#options.repos.find((repo) => repo.id === id);
  }

  #error(
    response: http.ServerResponse,
    status: number,
    code: string | null,
    message: string,
  ): void {
    const headers = {
      ...(code === null ? {} : { 'x-error-code': code }),
      'x-error-message': message,
    };
    sendJson(response, status, { error: message }, headers);
  }

  /** Whether the files may be had; else the answer says why not. */
  #mayRead(request: http.IncomingMessage, response: http.ServerResponse, repo: HfRepo): boolean {
    const { authorization } = request.headers;
    if (!repo.gated || authorization === `Bearer ${goodToken}`) return true;
    const message = `Access to model ${repo.id} is restricted.`;
    this.#error(response, authorization === undefined ? 401 : 403, 'GatedRepo', message);
    return false;
  }

  #about(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    [, id = '', verb]: RegExpExecArray,
  ): void {
    const repo = this.#find(id);
    if (repo === undefined) this.#error(response, 404, 'RepoNotFound', 'Repository not found');
    else if (verb === 'refs')
      sendJson(response, 200, { branches: [{ name: 'main' }], tags: [{ name: 'v1.0' }] });
    else if (this.#mayRead(request, response, repo)) response.writeHead(200).end();
  }

  #search(response: http.ServerResponse, url: URL): void {
    const words = url.searchParams.get('search') ?? '';
    const found = this.#options.repos.filter(({ id }) => id.includes(words));
    sendJson(
      response,
      200,
      found.map(({ id }) => ({
        id,
        downloads: 5,
        tags: ['license:mit'],
        pipeline_tag: 'fill-mask',
      })),
    );
  }

  #api(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    url: URL,
    [, id = '', verb, rev = '']: RegExpExecArray,
  ): void {
    const renamed = this.#options.repos.find((repo) => repo.aliases?.includes(id));
    if (renamed !== undefined) {
      sendRedirect(response, 307, url.pathname.replace(`/${id}/`, `/${renamed.id}/`) + url.search);
      return;
    }
    const repo = this.#find(id);
    const isHidden =
      repo?.private === true && request.headers.authorization !== `Bearer ${goodToken}`;
    if (repo === undefined || isHidden) {
      const isAnonymous = request.headers.authorization === undefined;
      this.#error(
        response,
        isAnonymous ? 401 : 404,
        'RepoNotFound',
        'Invalid username or password.',
      );
      return;
    }
    const head = headOf(repo);
    if (![...refs, head].includes(decodeURIComponent(rev))) {
      this.#error(response, 404, 'RevisionNotFound', `Invalid rev id: ${rev}`);
      return;
    }
    if (verb === 'tree') {
      this.#tree(response, url, repo);
      return;
    }
    const { license = 'apache-2.0', card = { license } } = repo;
    sendJson(response, 200, {
      id,
      sha: head,
      gated: repo.gated ? 'manual' : false,
      cardData: card,
      tags: repo.card === undefined ? [`license:${license}`, 'onnx'] : ['onnx'],
      pipeline_tag: 'fill-mask',
      library_name: 'transformers',
      author: id.split('/')[0],
      createdAt: '2022-03-02T23:29:04.000Z',
      lastModified: '2024-02-19T11:06:12.000Z',
    });
  }

  #tree(response: http.ServerResponse, url: URL, repo: HfRepo): void {
    const rows = Object.entries(repo.files).map(([path, content]) => {
      const data = Buffer.from(content);
      const base = { type: 'file', size: data.length, path };
      return lfs.test(path)
        ? {
            ...base,
            oid: 'f'.repeat(40),
            lfs: { oid: sha256(data), size: data.length, pointerSize: 134 },
          }
        : { ...base, oid: gitBlob(data) };
    });
    const at = Number(url.searchParams.get('cursor') ?? 0);
    const next = at + this.#options.pageSize;
    const more = new URL(url);
    more.searchParams.set('cursor', String(next));
    const link = next < rows.length ? { link: `<${more.href}>; rel="next"` } : {};
    sendJson(
      response,
      200,
      [{ type: 'directory', path: 'onnx', oid: '', size: 0 }, ...rows.slice(at, next)],
      link,
    );
  }

  #resolve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    [, id = '', commit = '', encoded = '']: RegExpExecArray,
  ): void {
    const repo = this.#find(id);
    const path = decodeURIComponent(encoded);
    const content = repo?.files[path];
    if (repo === undefined || content === undefined) {
      this.#error(response, 404, 'EntryNotFound', 'Entry not found');
      return;
    }
    if (!this.#mayRead(request, response, repo)) return;
    const data = Buffer.from(content);
    const headers = { 'x-repo-commit': commit };
    if (!lfs.test(path)) {
      sendRedirect(response, 307, `/api/resolve-cache/models/${id}/${commit}/${encoded}`, headers);
      return;
    }
    sendRedirect(response, 302, this.#options.cdn.put(data), {
      ...headers,
      'x-linked-etag': `"${sha256(data)}"`,
      'x-linked-size': data.length,
    });
  }

  #small(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    [, id = '', commit = '', encoded = '']: RegExpExecArray,
  ): void {
    const content = this.#find(id)?.files[decodeURIComponent(encoded)];
    if (content === undefined) {
      this.#error(response, 404, 'EntryNotFound', 'Entry not found');
      return;
    }
    sendBytes(request, response, Buffer.from(content), {
      'x-repo-commit': commit,
      'content-type': 'text/plain',
    });
  }
}
