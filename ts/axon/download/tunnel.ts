import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import tls from 'node:tls';
import { AxonError } from '../axon-error.ts';
import type { WebProxy } from './proxy.ts';
import { Retryable } from './retry.ts';

export interface TunnelWaits {
  /** No answer of the proxy for so long ends the attempt. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
}

/** A connection to an https address through a proxy, which sees the host's name and nothing else. */
export function openTunnel(
  url: URL,
  proxy: WebProxy,
  { stallMs, signal }: TunnelWaits,
): Promise<tls.TLSSocket> {
  const authority = `${url.hostname}:${url.port || '443'}`;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const asked = (proxy.url.protocol === 'https:' ? https : http).request(proxy.url, {
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...proxy.headers },
      agent: false,
      signal,
    });
    asked.setTimeout(stallMs, () =>
      asked.destroy(
        new Retryable(`the proxy ${proxy.url.host} said nothing for ${stallMs / 1000} s`),
      ),
    );
    asked.on('error', reject);
    asked.on('connect', ({ statusCode = 0 }, socket) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        reject(refusal(statusCode, authority, proxy));
        return;
      }
      socket.setTimeout(0);
      const name = isIP(host) === 0 ? { servername: host } : {};
      resolve(tls.connect({ socket, host, ...name, ALPNProtocols: ['http/1.1'] }));
    });
    asked.end();
  });
}

/** What a proxy says of itself, not of the host behind it. */
export function refusal(status: number, authority: string, proxy: WebProxy): Error {
  const { variable, url } = proxy;
  if (status === 407)
    return new AxonError(
      'ACCESS_DENIED',
      `The proxy ${url.host} wants a user and a password that it knows. Write them into ${variable}: http://user:password@host:port.`,
    );
  if (status === 408 || status === 429 || status >= 500)
    return new Retryable(`the proxy ${url.host} answered ${status} for ${authority}`);
  return new AxonError(
    'NETWORK',
    `The proxy ${url.host} does not let axon reach ${authority} (${status}). Where no proxy is needed for it, name it in NO_PROXY; ${variable} names the proxy.`,
  );
}
