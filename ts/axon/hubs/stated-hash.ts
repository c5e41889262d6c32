import { type HttpResponse, header } from '../download/http.ts';
import type { ExpectedHash } from '../download/options.ts';

/*
 * What the answer that brings a file states about its content, the strongest first:
 *   repr-digest: sha-256=:<base64>:        any server (RFC 9530)
 *   x-amz-checksum-sha256: <base64>        S3, of the whole object unless its type is COMPOSITE
 *   x-goog-hash: crc32c=<base64>,md5=…     Google's store
 * It comes from where the bytes come from, so it guards the way, not against the source.
 */
export function statedHash(response: HttpResponse): ExpectedHash | null {
  const digest = /\bsha-256=:([A-Za-z0-9+/]+={0,2}):/.exec(header(response, 'repr-digest') ?? '');
  const composite = /composite/i.test(header(response, 'x-amz-checksum-type') ?? '');
  const amazon = composite ? '' : (header(response, 'x-amz-checksum-sha256') ?? '');
  const google = header(response, 'x-goog-hash') ?? '';
  const stated = (name: string) =>
    new RegExp(`\\b${name}=([A-Za-z0-9+/]+={0,2})`).exec(google)?.[1] ?? '';
  return (
    hashOf('sha256', digest?.[1] ?? '', 32) ??
    hashOf('sha256', amazon, 32) ??
    hashOf('md5', stated('md5'), 16) ??
    hashOf('crc32c', stated('crc32c'), 4)
  );
}

function hashOf(
  algorithm: ExpectedHash['algorithm'],
  base64: string,
  bytes: number,
): ExpectedHash | null {
  const hash = Buffer.from(base64, 'base64');
  return hash.length === bytes ? { algorithm, hex: hash.toString('hex') } : null;
}
