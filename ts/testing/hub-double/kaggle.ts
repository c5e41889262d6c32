import { createHash } from 'node:crypto';
import type http from 'node:http';
import { gzipSync } from 'node:zlib';
import { Crc32c } from '../../axon/download/crc32c.ts';
import { type Handler, sendJson, sendRedirect } from './answers.ts';
import type { Cdn } from './cdn.ts';
import { makeTar } from './tarball.ts';

export interface KaggleModel {
  /** `<owner>/<model>/<framework>/<variation>`, the framework as Kaggle spells it. */
  readonly path: string;
  /** Files of the versions 1, 2, …; the last one is the newest. */
  readonly versions: readonly Readonly<Record<string, Buffer | string>>[];
  readonly license?: string;
  readonly gated?: boolean;
  /** Sent as the archive instead of one of the files. */
  readonly archive?: Buffer;
  /** Which hashes the store states. */
  readonly hashes?: readonly ('md5' | 'crc32c')[];
}

export const kaggleUser = { username: 'kaggler', key: 'kaggle_good' };
const authorization = `Basic ${Buffer.from(`${kaggleUser.username}:${kaggleUser.key}`).toString('base64')}`;

const pageSize = 2;

function googHash(data: Buffer, { hashes = ['crc32c', 'md5'] }: KaggleModel): string {
  const stated = {
    md5: () => createHash('md5').update(data).digest('base64'),
    crc32c: () => Buffer.from(new Crc32c().update(data).digest('hex'), 'hex').toString('base64'),
  };
  return hashes.map((name) => `${name}=${stated[name]()}`).join(', ');
}

/** Kaggle's routes for models, with pages of two; bytes come from the store on another origin. */
export function kaggleDouble(models: readonly KaggleModel[], cdn: Cdn): Handler {
  const routes: readonly [RegExp, (match: RegExpExecArray, call: Call) => void | Promise<void>][] =
    [
      [/^list$/, (_match, { url, response }) => sendList(models, url, response)],
      [/^([^/]+\/[^/]+)\/get$/, ([, page = ''], { response }) => sendModel(models, page, response)],
      [
        /^((?:[^/]+\/){3}[^/]+)\/get$/,
        ([, path = ''], call) => sendVariation(find(models, path, call), call),
      ],
      [
        /^((?:[^/]+\/){3}[^/]+)\/(\d+)\/files$/,
        ([, path = '', version = ''], call) => sendFiles(find(models, path, call), version, call),
      ],
      [
        /^((?:[^/]+\/){3}[^/]+)\/(\d+)\/download(?:\/(.+))?$/,
        ([, path = '', version = '', file], call) =>
          sendFile(find(models, path, call), version, file, call, cdn),
      ],
    ];
  return (request, response, url) => {
    const route = decodeURIComponent(url.pathname.replace(/^\/api\/v1\/models\//, ''));
    for (const [pattern, answer] of routes) {
      const match = pattern.exec(route);
      if (match !== null) return void answer(match, { request, response, url });
    }
    sendJson(response, 404, { code: 404, message: 'Not found' });
  };
}

interface Call {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly url: URL;
}

/** The model, if it is there and may be seen; else the answer is given. */
function find(
  models: readonly KaggleModel[],
  path: string,
  { request, response }: Call,
): KaggleModel | null {
  const model = models.find((one) => one.path.toLowerCase() === path.toLowerCase());
  if (model?.gated && request.headers.authorization !== authorization) {
    sendJson(response, 403, { code: 403, message: "Permission 'models.get' was denied" });
    return null;
  }
  if (model === undefined)
    sendJson(response, 404, { code: 404, message: 'Model instance not found' });
  return model ?? null;
}

function sendList(models: readonly KaggleModel[], url: URL, response: http.ServerResponse): void {
  const words = url.searchParams.get('search') ?? '';
  const found = models.filter(({ path }) => path.includes(words));
  sendJson(response, 200, {
    models: found.map(({ path }) => ({ ref: path.split('/').slice(0, 2).join('/'), title: path })),
  });
}

function sendModel(
  models: readonly KaggleModel[],
  page: string,
  response: http.ServerResponse,
): void {
  const found = models.filter(({ path }) => path.startsWith(`${page}/`));
  const instances = found.map(({ path }) => {
    const [, , framework, slug] = path.split('/');
    return { framework, slug };
  });
  const about = {
    subtitle: 'A net for all.',
    author: 'Google',
    publishTime: '2023-05-17T20:41:09.977Z',
    updateTime: '2024-01-02T03:04:05.000Z',
    tags: [{ ref: '/tags/image', name: 'image' }],
  };
  sendJson(response, found.length === 0 ? 404 : 200, { ...about, instances });
}

function sendVariation(model: KaggleModel | null, { response }: Call): void {
  if (model === null) return;
  const { license = 'Apache 2.0', versions } = model;
  sendJson(response, 200, {
    versionNumber: versions.length,
    licenseName: license,
    overview: 'A net.',
  });
}

function sendFiles(model: KaggleModel | null, version: string, { response, url }: Call): void {
  if (model === null) return;
  const files = Object.entries(model.versions[Number(version) - 1] ?? {});
  const at = Number(url.searchParams.get('page_token') ?? 0);
  sendJson(response, 200, {
    files: files
      .slice(at, at + pageSize)
      .map(([name, data]) => ({ name, size: Buffer.from(data).length })),
    nextPageToken: at + pageSize < files.length ? String(at + pageSize) : '',
  });
}

async function sendFile(
  model: KaggleModel | null,
  version: string,
  name: string | undefined,
  { response }: Call,
  cdn: Cdn,
): Promise<void> {
  if (model === null) return;
  const files = model.versions[Number(version) - 1] ?? {};
  const data = name === undefined ? (model.archive ?? (await archiveOf(files))) : files[name];
  if (data === undefined) sendJson(response, 404, { code: 404, message: 'File not found' });
  else {
    const bytes = Buffer.from(data);
    sendRedirect(response, 302, cdn.put(bytes, { 'x-goog-hash': googHash(bytes, model) }));
  }
}

async function archiveOf(files: Readonly<Record<string, Buffer | string>>): Promise<Buffer> {
  const entries = Object.entries(files).map(([name, data]) => ({
    name: `./${name}`,
    data: Buffer.from(data),
  }));
  return gzipSync(await makeTar([{ name: './', type: 'directory' as const }, ...entries]));
}

/** TensorFlow Hub's redirects: handle → `<path>/<N>` on Kaggle. What was not moved leads to all models. */
export function tfhubDouble(
  handles: Readonly<Record<string, string>>,
  kaggle: () => string,
): Handler {
  return (_request, response, url) => {
    const moved = handles[decodeURIComponent(url.pathname.slice(1))];
    const to = moved === undefined ? '/models' : `/models/${moved}`;
    sendRedirect(response, 302, `${kaggle()}${to}?tfhub-redirect=true`);
  };
}
