import type http from 'node:http';
import { type Handler, sendJson } from './answers.ts';
import type { Cdn } from './cdn.ts';
import { sha256 } from './hashes.ts';

export interface PypiFile {
  readonly project: string;
  readonly filename: string;
  readonly data: Buffer;
  /** A lie about the hash; null states none. */
  readonly sha256?: string | null;
  readonly yanked?: boolean | string;
  /** Only with this `user:password`. */
  readonly login?: string;
}

/** A package index: JSON for those who ask for it, or pages only, as older servers have them. */
export function pypiDouble(files: readonly PypiFile[], cdn: Cdn, json: () => boolean): Handler {
  return (request, response, url) => {
    const name = /^\/simple\/([a-z0-9-]+)\/$/.exec(url.pathname)?.[1];
    const mine = files.filter(({ project }) => project === name);
    const login = mine[0]?.login;
    const given = request.headers.authorization;
    if (mine.length === 0) sendJson(response, 404, { message: 'Not Found' });
    else if (login !== undefined && given !== `Basic ${Buffer.from(login).toString('base64')}`)
      sendJson(response, 401, { message: 'Unauthorized' });
    else if (json() && /simple\.v1\+json/.test(String(request.headers.accept)))
      sendList(response, mine, cdn);
    else sendPage(response, mine, cdn);
  };
}

const hashOf = (file: PypiFile) => (file.sha256 === undefined ? sha256(file.data) : file.sha256);

function sendList(response: http.ServerResponse, files: readonly PypiFile[], cdn: Cdn): void {
  const value = {
    meta: { 'api-version': '1.1' },
    files: files.map((file) => ({
      filename: file.filename,
      url: cdn.put(file.data),
      hashes: hashOf(file) === null ? {} : { sha256: hashOf(file) },
      size: file.data.length,
      yanked: file.yanked ?? false,
      'upload-time': '2023-04-05T06:07:08.123456Z',
    })),
  };
  sendJson(response, 200, value, { 'content-type': 'application/vnd.pypi.simple.v1+json' });
}

function sendPage(response: http.ServerResponse, files: readonly PypiFile[], cdn: Cdn): void {
  const links = files.map((file) => {
    const href = `${cdn.put(file.data)}#sha256=${hashOf(file)}`.replaceAll('&', '&amp;');
    return `<a href="${href}"${file.yanked ? ' data-yanked="old"' : ''}>${file.filename}</a><br/>`;
  });
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`);
}
