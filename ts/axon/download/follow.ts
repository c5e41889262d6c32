import { BlockList, isIP } from 'node:net';
import { limits } from '../../protocol/limits.ts';
import { AxonError } from '../axon-error.ts';
import { type HttpResponse, header, request } from './http.ts';
import type { DownloadOptions } from './options.ts';

/** A credential and the only addresses that may see it. */
export interface Credential {
  readonly authorization: string;
  /** The same for hubs that look for a cookie. */
  readonly cookie?: string;
  /** URL prefix, ending in `/`: an origin, or a folder of one. */
  readonly scope: string;
}

export interface FollowRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly credential?: Credential | null;
  /** Sees every answer, redirects too; throws to stop. */
  readonly check?: (response: HttpResponse) => void;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

const inside = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  inside.addSubnet(net, prefix, 'ipv4');
inside.addSubnet('fc00::', 7, 'ipv6');
inside.addSubnet('fe80::', 10, 'ipv6');
inside.addAddress('::1', 'ipv6');

/** Whether the host is named as one of this machine or of the private network. */
export function isInside(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const family = isIP(host);
  return family !== 0 && inside.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** Reads an http or https URL without user and password, or throws. */
export function parseHttpUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw new AxonError('INVALID_SPEC', `${JSON.stringify(text)} is not a URL.`, { cause: error });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new AxonError('INVALID_SPEC', `${text}: only https and http addresses can be fetched.`);
  return url;
}

/** Where an answer leads to, if it may be gone to. */
export function nextUrl(from: URL, location: string, start: URL): URL {
  const bad = (why: string) =>
    new AxonError(
      'BAD_RESPONSE',
      `${start.host} redirects to ${JSON.stringify(location.slice(0, 200))}: ${why}.`,
    );
  let to: URL;
  try {
    to = new URL(location, from);
  } catch {
    throw bad('that is not a URL');
  }
  to.hash = '';
  if (to.protocol !== 'https:' && !(to.protocol === 'http:' && start.protocol === 'http:'))
    throw bad('only https may follow https');
  if (isInside(to) && !isInside(start))
    throw bad('a public address must not lead into this network');
  return to;
}

function headersOf({ authorization, cookie }: Credential): Record<string, string> {
  return { authorization, ...(cookie === undefined ? {} : { cookie }) };
}

/**
 * Follows redirects by hand: a credential goes only where it belongs, https stays https, and a circle
 * ends. Gives the first answer that is no redirect.
 */
export async function follow(spec: FollowRequest, options: DownloadOptions): Promise<HttpResponse> {
  const start = parseHttpUrl(spec.url);
  const seen = new Set<string>();
  let url = start;
  for (let hop = 0; hop <= limits.redirects; hop++) {
    if (seen.has(url.href)) break;
    seen.add(url.href);
    const { credential = null } = spec;
    const authorized = credential !== null && url.href.startsWith(credential.scope);
    const response = await request({
      url,
      headers: {
        ...spec.headers,
        ...(authorized ? headersOf(credential) : {}),
      },
      stallMs: options.stallMs,
      signal: options.signal,
    });
    try {
      spec.check?.(response);
      const location = header(response, 'location');
      if (!redirects.has(response.status) || location === null) return response;
      response.body.destroy();
      url = nextUrl(url, location, start);
    } catch (error) {
      response.body.destroy();
      throw error;
    }
  }
  throw new AxonError(
    'BAD_RESPONSE',
    `${start.host} redirects in a circle or more than ${limits.redirects} times.`,
  );
}
