import fs from 'node:fs';
import { Readable } from 'node:stream';
import { AxonError } from '../../axon-error.ts';
import { requireOk } from '../../download/fetch-json.ts';
import { type HttpResponse, header, request } from '../../download/http.ts';
import { isInside, nextUrl } from '../../download/redirect.ts';
import { withRetries } from '../../download/retry.ts';
import type { FileProgress } from '../../render/progress.ts';
import type { RegistrySession } from './session.ts';

/** Larger blobs go in pieces, so that a broken connection costs one piece. */
const pieceBytes = 64 * 1024 * 1024;

/** What registries answer that take a blob in one request only. */
const noPieces: ReadonlySet<number> = new Set([400, 404, 405, 501]);

/** Bytes to push: of a file, or made here. */
export interface Upload {
  readonly label: string;
  readonly digest: string;
  readonly size: number;
  read(start: number, end: number): Readable;
}

export const uploadOfFile = (label: string, file: string, digest: string): Upload => ({
  label,
  digest,
  size: fs.statSync(file).size,
  // `end` of a stream is inclusive; an empty file has no byte to name.
  read: (start, end) =>
    end > start
      ? fs.createReadStream(file, { start, end: end - 1, highWaterMark: 1 << 20 })
      : Readable.from([]),
});

export const uploadOfBytes = (label: string, bytes: Buffer, digest: string): Upload => ({
  label,
  digest,
  size: bytes.length,
  read: (start, end) => Readable.from([bytes.subarray(start, end)]),
});

interface Sent {
  readonly method: 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'GET';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: () => Readable;
}

/** Sends one request to the repository; the credential goes where it belongs only. */
export function send(session: RegistrySession, spec: Sent): Promise<HttpResponse> {
  const { credential, context } = session;
  const { method, url, headers = {}, body } = spec;
  const authorized = credential !== null && url.href.startsWith(credential.scope);
  const { stallMs, proxyFor } = context.download;
  return request({
    url,
    method,
    headers: {
      'content-length': '0',
      ...headers,
      ...(authorized ? { authorization: credential.authorization } : {}),
    },
    ...(body === undefined ? {} : { body: body() }),
    stallMs,
    signal: context.signal,
    proxyFor,
  });
}

/** Brings one blob to the registry, unless it is there. Gives whether it had to be sent. */
export async function pushBlob(session: RegistrySession, blob: Upload): Promise<boolean> {
  if (await isThere(session, blob)) return false;
  const shown = session.context.download.progress.file(blob.label, blob.size);
  const counted: Upload = {
    ...blob,
    read: (start, end) => Readable.from(count(blob.read(start, end), start, shown)),
  };
  let whole = false;
  try {
    await (blob.size > pieceBytes ? inPieces(session, counted) : inOne(session, counted));
    whole = true;
  } finally {
    shown.end(whole);
  }
  if (!(await isThere(session, blob)))
    throw new AxonError(
      'BAD_RESPONSE',
      `${session.place.origin} took ${blob.label} but does not have it as ${blob.digest}.`,
    );
  return true;
}

async function* count(
  source: AsyncIterable<Buffer>,
  start: number,
  shown: FileProgress,
): AsyncGenerator<Buffer> {
  shown.from(start, null);
  let at = start;
  for await (const chunk of source) {
    yield chunk;
    at += chunk.length;
    shown.at(at);
  }
}

function isThere(session: RegistrySession, { digest, size }: Upload): Promise<boolean> {
  return step(session, async () => {
    const url = new URL(`${session.base}blobs/${digest}`);
    const response = await send(session, { method: 'HEAD', url });
    response.body.resume();
    // A registry may answer with a redirect to where the blob lies: it has it.
    if (response.status >= 300 && response.status < 400) return true;
    if (response.status === 404) return false;
    await requireOk(response, session.statusError);
    return Number(header(response, 'content-length') ?? size) === size;
  });
}

function step<T>(session: RegistrySession, work: () => Promise<T>): Promise<T> {
  return session.authorized(() => withRetries(session.context.download, work));
}

/** Opens an upload: the registry names the address that the bytes go to. */
async function begin(session: RegistrySession): Promise<URL> {
  const url = new URL(`${session.base}blobs/uploads/`);
  const response = await send(session, { method: 'POST', url });
  return locationOf(session, response);
}

async function locationOf(session: RegistrySession, response: HttpResponse): Promise<URL> {
  await requireOk(response, session.statusError);
  response.body.resume();
  const location = header(response, 'location');
  if (location !== null)
    return nextUrl(response.url, location, isInside(new URL(session.place.origin)));
  throw new AxonError('BAD_RESPONSE', `${response.url.host} opened an upload without an address.`);
}

function finalUrl(location: URL, digest: string): URL {
  const url = new URL(location);
  url.searchParams.set('digest', digest);
  return url;
}

/** One request with all bytes; a retry opens a new upload. */
function inOne(session: RegistrySession, blob: Upload): Promise<void> {
  return step(session, async () => {
    const location = await begin(session);
    await finish(session, location, blob, 0);
  });
}

async function finish(
  session: RegistrySession,
  location: URL,
  blob: Upload,
  start: number,
): Promise<void> {
  const response = await send(session, {
    method: 'PUT',
    url: finalUrl(location, blob.digest),
    headers: {
      'content-type': 'application/octet-stream',
      'content-length': String(blob.size - start),
    },
    body: () => blob.read(start, blob.size),
  });
  await requireOk(response, session.statusError);
  response.body.resume();
  requireDigest(response, blob.digest, blob.label);
}

export function requireDigest(response: HttpResponse, digest: string, label: string): void {
  const stated = header(response, 'docker-content-digest');
  if (stated === null || stated === digest) return;
  throw new AxonError(
    'CHECKSUM_MISMATCH',
    `${response.url.host} stored ${label} as ${stated}; it was sent as ${digest}.`,
    { details: { expected: digest, actual: stated } },
  );
}

/**
 * Piece after piece. After a failure the registry is asked how far it came; where it does not know
 * pieces at all, everything goes in one request.
 */
async function inPieces(session: RegistrySession, blob: Upload): Promise<void> {
  let location = await step(session, () => begin(session));
  let at = 0;
  let whole = false;
  while (at < blob.size && !whole) {
    const piece = async () => {
      const end = Math.min(at + pieceBytes, blob.size);
      const response = await send(session, {
        method: 'PATCH',
        url: location,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(end - at),
          'content-range': `${at}-${end - 1}`,
        },
        body: () => blob.read(at, end),
      });
      if (response.status === 416) {
        response.body.resume();
        at = await beyond(session, location, at);
        return;
      }
      if (at === 0 && noPieces.has(response.status)) {
        response.body.resume();
        whole = true;
        return;
      }
      location = await locationOf(session, response);
      at = end;
    };
    let first = true;
    await step(session, async () => {
      if (!first) at = await reached(session, location);
      first = false;
      if (at < blob.size) await piece();
    });
  }
  if (whole) await inOne(session, blob);
  else await step(session, () => finish(session, location, blob, blob.size));
}

/** Where the registry is, which is not where we thought; the same again would be for ever. */
async function beyond(session: RegistrySession, location: URL, at: number): Promise<number> {
  const now = await reached(session, location);
  if (now !== at) return now;
  throw new AxonError('BAD_RESPONSE', `${location.host} refuses to go on at byte ${at}.`);
}

/** How many bytes of the upload the registry holds. */
async function reached(session: RegistrySession, location: URL): Promise<number> {
  const response = await send(session, { method: 'GET', url: location });
  await requireOk(response, session.statusError);
  response.body.resume();
  const end = /^(?:bytes[ =])?0-(\d+)$/.exec(header(response, 'range') ?? '')?.[1];
  return end === undefined || end === '0' ? 0 : Number(end) + 1;
}
