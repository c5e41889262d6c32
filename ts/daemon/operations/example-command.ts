import { quoted } from '../../protocol/shell-word.ts';
import type { ServiceState } from './service.ts';

/*
 * Parts of commands that are shown to be pasted into a shell.
 */

/** Where the API listens, as a client on this host reaches it. */
export function origin({ doors }: ServiceState): string {
  const { host = '127.0.0.1', port = 8080, tls = false } = doors.get('http') ?? {};
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${tls ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** `target`: a URL as the shell takes it. */
export function postJson(target: string, body: object): string {
  const type = quoted('content-type: application/json');
  return `curl -s ${target} -H ${type} -d ${quoted(JSON.stringify(body))}`;
}
