import { isIP } from 'node:net';
import { MlosError } from '../../../protocol/errors.ts';
import type { RequestHead } from './request-head.ts';

/**
 * Localhost is not a trust boundary: any web page can make the user's browser send requests here.
 *
 * 1. DNS rebinding: a page's own name is made to resolve to 127.0.0.1. The browser then sends that
 *    name in Host, so only names and addresses that this daemon is known by are served.
 * 2. Cross-site requests: browsers send Origin with them. Programs send none. An Origin that is not
 *    configured is refused, whatever the request asks for.
 */
export interface HostCheckOptions {
  /** The address that the door is bound to. */
  readonly host: string;
  /** Further names that clients may use; `*` accepts any. */
  readonly allowedHosts: readonly string[];
  /** Origins of web pages that may call; `*` accepts any. Empty: none. */
  readonly allowedOrigins: readonly string[];
}

const wildcardAddresses = new Set(['0.0.0.0', '::', '']);
const rememberedHosts = 64;

/** `[::1]:8080` → `::1`, `LocalHost:80` → `localhost`. */
function hostName(header: string): string {
  const text = header.trim().toLowerCase();
  if (text.startsWith('[')) return text.slice(1, Math.max(text.indexOf(']'), 1));
  const colon = text.indexOf(':');
  return (colon < 0 ? text : text.slice(0, colon)).replace(/\.$/, '');
}

function bare(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$/g, '');
}

export class HostCheck {
  readonly #names: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #anyHost: boolean;
  readonly #anyOrigin: boolean;
  /** Bound to every address: an address in Host is fine, since rebinding always carries a name. */
  readonly #anyAddress: boolean;
  /** Header values seen and found good, as sent: a client repeats the same one. */
  readonly #accepted = new Set<string>();

  constructor(options: HostCheckOptions) {
    const names = ['localhost', '127.0.0.1', '::1', options.host, ...options.allowedHosts];
    this.#names = new Set(names.map(bare));
    this.#origins = new Set(options.allowedOrigins.map((origin) => origin.toLowerCase()));
    this.#anyHost = options.allowedHosts.includes('*');
    this.#anyOrigin = options.allowedOrigins.includes('*');
    this.#anyAddress = wildcardAddresses.has(bare(options.host));
  }

  /** Null where the request may go on, else FORBIDDEN_ORIGIN. */
  refuse(head: RequestHead): MlosError | null {
    if (head.twice !== null) {
      return new MlosError(
        'INVALID_ARGUMENT',
        `The request has more than one ${head.twice} header.`,
      );
    }
    if (!this.#accepted.has(head.host) && !this.#acceptHost(head.host)) {
      return new MlosError(
        'FORBIDDEN_ORIGIN',
        `Host ${JSON.stringify(head.host.slice(0, 256))} is not a name of this daemon. ` +
          'Use localhost, or add the name to the allowed hosts.',
      );
    }
    if (head.origin !== '' && !this.allowsOrigin(head.origin)) {
      return new MlosError(
        'FORBIDDEN_ORIGIN',
        `Web pages of ${JSON.stringify(head.origin.slice(0, 256))} may not call this daemon. ` +
          'Add the origin to the allowed origins if they should.',
      );
    }
    return null;
  }

  allowsOrigin(origin: string): boolean {
    return this.#anyOrigin || this.#origins.has(origin.toLowerCase());
  }

  #acceptHost(header: string): boolean {
    const name = hostName(header);
    const good = this.#anyHost || this.#names.has(name) || (this.#anyAddress && isIP(name) !== 0);
    if (good && this.#accepted.size < rememberedHosts) this.#accepted.add(header);
    return good;
  }
}
