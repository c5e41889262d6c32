import dns from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { productVersion } from '../../protocol/version.ts';
import { AxonError } from '../axon-error.ts';
import type { ProxyFor, WebProxy } from './proxy.ts';
import { isInsideAddress } from './redirect.ts';
import { Retryable } from './retry.ts';
import { openTunnel, refusal } from './tunnel.ts';

/*
 * node:http and not fetch: bytes must arrive as they were sent (fetch unpacks them silently), and the
 * headers of a redirect must be seen (hubs put their hashes there).
 */
export interface HttpRequest {
  readonly url: URL;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream comes with its `content-length` among the headers. */
  readonly body?: string | Uint8Array | Readable;
  /** No byte for so long ends the request. */
  readonly stallMs: number;
  /** Not to this machine or the private network, whatever the name resolves to. */
  readonly outsideOnly?: boolean;
  readonly signal: AbortSignal;
  /** What is asked directly by definition has none. */
  readonly proxyFor?: ProxyFor;
}

export interface HttpResponse {
  readonly url: URL;
  /** The address of the host; null behind a proxy, which alone knows. */
  readonly peer: string | null;
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: http.IncomingMessage;
}

export function header(response: HttpResponse, name: string): string | null {
  const value = response.headers[name];
  return Array.isArray(value) ? (value[0] ?? null) : (value ?? null);
}

/** Sends one request, follows nothing. Failures to reach the host or to get a head are Retryable. */
export async function request(spec: HttpRequest): Promise<HttpResponse> {
  const { url, method = 'GET', headers = {}, body, stallMs, signal } = spec;
  const isWhole = typeof body === 'string' || body instanceof Uint8Array;
  const [whole, stream] = isWhole ? [body, undefined] : [undefined, body];
  const { promise, resolve, reject } = deferred<HttpResponse>();
  const proxy = spec.proxyFor?.(url) ?? null;
  const { target, options } = await routeOf(spec, proxy).catch((error: unknown) => {
    stream?.destroy();
    throw asRetryable(error, url, proxy);
  });
  const sent = (target.protocol === 'https:' ? https : http).request(target, {
    method,
    signal,
    ...options,
    headers: {
      'user-agent': `axon/${productVersion}`,
      'accept-encoding': 'identity',
      ...(whole === undefined ? {} : { 'content-length': String(Buffer.byteLength(whole)) }),
      ...headers,
      ...options.headers,
    },
  });
  const fail = (error: unknown) => reject(asRetryable(error, url, proxy));
  sent.setTimeout(stallMs, () =>
    sent.destroy(new Retryable(`${url.host} sent nothing for ${stallMs / 1000} s`)),
  );
  sent.on('error', fail);
  sent.on('response', (message) => {
    const { statusCode: status = 0, headers: answered } = message;
    if (proxy !== null && status === 407) {
      message.destroy();
      reject(refusal(status, url.host, proxy));
    } else {
      const peer = proxy === null ? (message.socket.remoteAddress ?? null) : null;
      resolve({ url, peer, status, headers: answered, body: message });
    }
  });
  if (stream !== undefined) pipeline(stream, sent).catch(fail);
  else sent.end(whole);
  return promise;
}

interface Route {
  readonly target: URL;
  readonly options: http.RequestOptions & { readonly headers?: Readonly<Record<string, string>> };
}

/** Who is connected to, and how: the host itself, or a proxy for it, which looks up the host's name by itself. */
async function routeOf(
  { url, stallMs, outsideOnly, signal }: HttpRequest,
  proxy: WebProxy | null,
): Promise<Route> {
  if (proxy === null)
    return { target: url, options: outsideOnly === true ? { lookup: lookupOutside } : {} };
  if (url.protocol === 'http:') {
    const { host, pathname, search } = url;
    const path = `http://${host}${pathname}${search}`;
    return { target: proxy.url, options: { path, headers: { host, ...proxy.headers } } };
  }
  const socket = await openTunnel(url, proxy, { stallMs, signal });
  return { target: url, options: { createConnection: () => socket } };
}

const lookupOutside: LookupFunction = (hostname, options, done) => {
  dns.lookup(hostname, options, (error, found, family) => {
    const addresses = Array.isArray(found) ? found.map(({ address }) => address) : [found];
    const inside = error === null ? addresses.find(isInsideAddress) : undefined;
    if (inside === undefined) done(error, found, family);
    else
      done(
        new AxonError(
          'BAD_RESPONSE',
          `A redirect leads to ${hostname}, which is ${inside}: a public address must not lead into this network.`,
        ),
        found,
        family,
      );
  });
};

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((ok, no) => {
    resolve = ok;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Errors of a connection are worth another try; being interrupted or mistrusting a certificate is not. */
export function asRetryable(error: unknown, url: URL, proxy: WebProxy | null = null): Error {
  if (error instanceof Retryable || error instanceof AxonError) return error;
  const { name, code, message } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return error as Error;
  const reason = message || code || 'the connection broke';
  if (/CERT|SELF_SIGNED|ISSUER/.test(code ?? ''))
    return new AxonError(
      'NETWORK',
      `${url.host} shows a certificate that is not trusted (${reason}). Behind a proxy of your company set NODE_EXTRA_CA_CERTS.`,
      { cause: error },
    );
  const way = proxy === null ? '' : ` (through the proxy ${proxy.url.host} of ${proxy.variable})`;
  return new Retryable(`${url.host}: ${reason}${way}`, { cause: error });
}

/** Reads a body of text to its end, up to a bound; past it `null`. */
export async function readBody(response: HttpResponse, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > maxBytes) return null;
    }
  } catch (error) {
    throw asRetryable(error, response.url);
  } finally {
    response.body.destroy();
  }
  return Buffer.concat(chunks);
}
