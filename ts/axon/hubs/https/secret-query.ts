/*
 * What of an address's query is a secret and is not noted: tokens, and all of a signature. The rest is part of
 * what the address names. Names alone tell, except where they are used for both: those values count as secrets
 * that look like one, and not like the name of a file.
 */
const secret =
  /token|secret|signature|passw|pwd|credential|api[-_]?key|access[-_]?key|jwt|bearer|^sig$|^x-(amz|goog|oss|cos|obs|bce)-|^q-(sign|ak|key|header|url)/;
const either: ReadonlySet<string> = new Set([
  'key',
  'code',
  'auth',
  'authorization',
  'session',
  'sid',
  't',
]);
const looksSecret = /^[\w%+/=~-]{16,}$/;
/** With a signature only: what it covers is of no use without it. */
const signed: ReadonlySet<string> = new Set(
  (
    'expires expiry expiration policy key-pair-id awsaccesskeyid googleaccessid ossaccesskeyid ' +
    'sv se st sp sr ss srt spr sip skoid sktid skt ske sks skv'
  ).split(' '),
);

/** The same address, without its secrets. */
export function withoutSecrets(url: URL): URL {
  const parts = url.search.slice(1).split('&');
  const hasSecret = parts.some(isSecret);
  if (!hasSecret) return url;
  const kept = parts.filter((part) => !isSecret(part) && !signed.has(nameOf(part)));
  const clean = new URL(url);
  clean.search = kept.join('&');
  return clean;
}

function isSecret(part: string): boolean {
  const name = nameOf(part);
  const value = part.slice(part.indexOf('=') + 1);
  return secret.test(name) || (either.has(name) && looksSecret.test(value));
}

function nameOf(part: string): string {
  const name = part.split('=', 1)[0] ?? '';
  try {
    return decodeURIComponent(name).toLowerCase();
  } catch {
    return name.toLowerCase(); // A stray % is part of the name then.
  }
}
