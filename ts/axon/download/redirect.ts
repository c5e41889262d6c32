import { BlockList, isIP } from 'node:net';
import { AxonError } from '../axon-error.ts';

const inside = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  inside.addSubnet(net, prefix, 'ipv4');
  // The same addresses behind a translator; public ones are reached that way in networks without IPv4.
  inside.addSubnet(`64:ff9b::${net}`, 96 + prefix, 'ipv6');
}
for (const [net, prefix] of [
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  inside.addSubnet(net, prefix, 'ipv6');
inside.addSubnet('fc00::', 7, 'ipv6');
inside.addSubnet('fe80::', 10, 'ipv6');

/** Whether an address belongs to this machine or to the private network. */
export function isInsideAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && inside.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a host is named as one of this machine or of the private network. */
export function isInside(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return host === 'localhost' || host.endsWith('.localhost') || isInsideAddress(host);
}

/** Where a redirect leads, or why it is not followed: https stays https, and a public host does not lead inside. */
export function nextUrl(from: URL, location: string, startsInside: boolean): URL {
  const bad = (why: string) =>
    new AxonError(
      'BAD_RESPONSE',
      `${from.host} redirects to ${JSON.stringify(location.slice(0, 200))}: ${why}.`,
    );
  let to: URL;
  try {
    to = new URL(location, from);
  } catch {
    throw bad('that is not a URL');
  }
  if (!/^https?:$/.test(to.protocol)) throw bad('only http and https addresses are followed');
  if (to.protocol !== 'https:' && !(to.protocol === 'http:' && from.protocol === 'http:'))
    throw bad('only https may follow https');
  if (isInside(to) && !startsInside) throw bad('a public address must not lead into this network');
  to.hash = '';
  // What a hub writes here is no credential of ours.
  to.username = '';
  to.password = '';
  return to;
}
