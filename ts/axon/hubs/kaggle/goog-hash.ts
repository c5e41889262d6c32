import { type HttpResponse, header } from '../../download/http.ts';
import type { ExpectedHash } from '../../download/options.ts';

/** What Google's store states about an object: `x-goog-hash: crc32c=<base64>, md5=<base64>`; md5 is the stronger. */
export function statedHash(response: HttpResponse): ExpectedHash | null {
  const text = header(response, 'x-goog-hash') ?? '';
  for (const [algorithm, bytes] of [
    ['md5', 16],
    ['crc32c', 4],
  ] as const) {
    const encoded = new RegExp(`\\b${algorithm}=([A-Za-z0-9+/]+={0,2})`).exec(text)?.[1];
    const hash = Buffer.from(encoded ?? '', 'base64');
    if (hash.length === bytes) return { algorithm, hex: hash.toString('hex') };
  }
  return null;
}
