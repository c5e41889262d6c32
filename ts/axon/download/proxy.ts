import { BlockList, isIP } from 'node:net';
import { AxonError } from '../axon-error.ts';

/** An HTTP proxy, as an environment variable names it. */
export interface WebProxy {
  /** Without user and password. */
  readonly url: URL;
  readonly variable: string;
  /** What the proxy itself is told about who asks. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Which proxy an address is reached through; null for those that are reached directly. */
export type ProxyFor = (url: URL) => WebProxy | null;

/**
 * As curl and most others read them: HTTPS_PROXY for https, HTTP_PROXY for http, ALL_PROXY for what is left, each in
 * small letters first; NO_PROXY names what needs none. This machine is never reached through a proxy.
 */
export function proxiesOf(env: NodeJS.ProcessEnv): ProxyFor {
  const exceptions = noProxy(env['no_proxy'] ?? env['NO_PROXY'] ?? '');
  return (url) => {
    const own = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
    const variable = [own, own.toUpperCase(), 'all_proxy', 'ALL_PROXY'].find((name) => env[name]);
    if (variable === undefined || isLoopback(url) || exceptions(url)) return null;
    return readProxy(variable, env[variable] ?? '');
  };
}

function readProxy(variable: string, text: string): WebProxy {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  // The text may hold a password, so it is not repeated.
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '')
    throw new AxonError(
      'USAGE',
      `${variable} names no proxy that axon can use${url === null ? '' : ` (${url.protocol}//…)`}; write http://host:port or https://host:port, or unset it.`,
    );
  const login = `${decoded(url.username)}:${decoded(url.password)}`;
  const headers =
    login === ':'
      ? {}
      : { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` };
  return { url: new URL(url.origin), variable, headers };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A stray % is part of the password then.
  }
}

const bareHost = ({ hostname }: URL) => hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');

function isLoopback(url: URL): boolean {
  const host = bareHost(url);
  return (
    host === 'localhost' || host.endsWith('.localhost') || loopback.check(host, familyOf(host))
  );
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Names with what lies below them, addresses, networks, each with a port or without; `*` is everything. */
function noProxy(text: string): (url: URL) => boolean {
  const matchers = text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(matcherOf);
  return (url) => matchers.some((matches) => matches(url));
}

function matcherOf(entry: string): (url: URL) => boolean {
  if (entry === '*') return () => true;
  const [, bracketed, plain, port = ''] =
    /^(?:\[([^\]]+)\]|([^:]+|[^:]*:[^:]*:.*?))(?::(\d+))?$/.exec(entry) ?? [];
  const name = (bracketed ?? plain ?? entry).toLowerCase().replace(/^\*?\./, '');
  const [address = '', prefix] = name.split('/');
  const isHost =
    isIP(address) === 0
      ? (host: string) => host === name || host.endsWith(`.${name}`)
      : inNetwork(address, prefix);
  return (url) => {
    const actual = url.port || (url.protocol === 'https:' ? '443' : '80');
    return (port === '' || port === actual) && isHost(bareHost(url));
  };
}

function inNetwork(address: string, prefix: string | undefined): (host: string) => boolean {
  const family = familyOf(address);
  const most = family === 'ipv6' ? 128 : 32;
  const bits = /^\d{1,3}$/.test(prefix ?? '') ? Math.min(Number(prefix), most) : most;
  const list = new BlockList();
  list.addSubnet(address, bits, family);
  return (host) => isIP(host) !== 0 && list.check(host, familyOf(host));
}
