import { MlosError } from '../../../protocol/errors.ts';

/*
 * A file in a request: bytes where the door carries them, else base64 by itself or as a data URL. Nothing is
 * fetched: the daemon opens no connection for a caller.
 */
const dataUrl = /^data:([\w.+/-]*)(?:;[\w.+-]+=[\w.+-]+)*;base64,/;
const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Errors: INVALID_VALUE. */
export function mediaBytes(label: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') {
    throw new MlosError('INVALID_VALUE', `${label} must be a file: base64, a data URL, or bytes.`);
  }
  if (/^(?:https?|file|ftp):/i.test(value)) {
    throw new MlosError(
      'INVALID_VALUE',
      `${label} is an address; the daemon fetches nothing. Send the file itself, in base64 or as a data URL.`,
    );
  }
  const text = value.replace(dataUrl, '');
  const compact = /\s/.test(text) ? text.replaceAll(/\s+/g, '') : text;
  // A last group of one character holds six bits and no byte.
  if (!base64.test(compact) || compact.replace(/=+$/, '').length % 4 === 1 || compact === '') {
    throw new MlosError('INVALID_VALUE', `${label} is neither base64 nor a data URL of base64.`);
  }
  return Buffer.from(compact, 'base64');
}
