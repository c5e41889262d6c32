import type http from 'node:http';
import { sendBytes } from './answers.ts';
import { sha256 } from './hashes.ts';

const modified = 'Tue, 02 Jan 2024 03:04:05 GMT';

interface Blob {
  readonly data: Buffer;
  readonly headers: http.OutgoingHttpHeaders;
}

/** The content network behind the hubs: another origin, which wants no credentials and has ETags of its own. */
export class Cdn {
  readonly #files: Readonly<Record<string, Buffer>>;
  readonly #blobs = new Map<string, Blob>();
  base = '';

  /** `files` are there by name, unsigned. */
  constructor(files: Readonly<Record<string, Buffer>>) {
    this.#files = files;
  }

  /** The signed address of the data. */
  put(data: Buffer, headers: http.OutgoingHttpHeaders = { etag: `"${'e'.repeat(64)}"` }): string {
    const name = sha256(data);
    this.#blobs.set(name, { data, headers });
    return `${this.base}/${name}?Expires=1&Signature=s`;
  }

  handle(request: http.IncomingMessage, response: http.ServerResponse, url: URL): void {
    const name = decodeURIComponent(url.pathname.slice(1));
    const file = this.#files[name];
    const blob =
      file === undefined
        ? this.#blobs.get(name)
        : { data: file, headers: { etag: `"${sha256(file)}"`, 'last-modified': modified } };
    const { authorization, cookie } = request.headers;
    if (blob === undefined || authorization !== undefined || cookie !== undefined) {
      response.writeHead(blob === undefined ? 404 : 400, { 'content-type': 'application/xml' });
      response.end('<Error/>');
    } else sendBytes(request, response, blob.data, blob.headers);
  }
}
