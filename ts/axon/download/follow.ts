import { limits } from '../../protocol/limits.ts';
import { AxonError } from '../axon-error.ts';
import { type HttpResponse, header, request } from './http.ts';
import type { DownloadOptions } from './options.ts';
import { isInside, isInsideAddress, nextUrl } from './redirect.ts';

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
  readonly check?: ((response: HttpResponse) => void) | undefined;
}

/** Of a redirect's own text. */
const shortBytes = 64 * 1024;

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

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
  let startsInside = isInside(start);
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
      outsideOnly: hop > 0 && !startsInside,
      signal: options.signal,
      proxyFor: options.proxyFor,
    });
    try {
      spec.check?.(response);
      const location = header(response, 'location');
      if (!redirects.has(response.status) || location === null) return response;
      // A host of the private network may have a public name; what it leads to may lie there too.
      if (hop === 0) startsInside ||= isInsideAddress(response.peer ?? '');
      endOf(response);
      url = nextUrl(url, location, startsInside);
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

/** A short body is read to its end: the connection can be used again. */
function endOf(response: HttpResponse): void {
  const length = Number(header(response, 'content-length') ?? Number.NaN);
  if (length <= shortBytes) response.body.on('error', () => undefined).resume();
  else response.body.destroy();
}
