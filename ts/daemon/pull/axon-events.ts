import type { Readable } from 'node:stream';
import { type ErrorCode, errorCodes } from '../../protocol/error-codes.ts';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Pulled, PulledFile } from '../doors/ollama/puller.ts';

/*
 * What `axon install --json` says: events on stderr, one a line, and one document on stdout. It is read as if it
 * came from a stranger, since file names in it do.
 */
type Fields = Readonly<Record<string, unknown>>;

/** axon's ways of ending → those of the daemon; what is not here is a fault. */
const codes: Readonly<Record<string, ErrorCode>> = {
  USAGE: 'INVALID_ARGUMENT',
  INVALID_SPEC: 'INVALID_ARGUMENT',
  AMBIGUOUS: 'INVALID_ARGUMENT',
  NOT_FOUND: 'MODEL_NOT_FOUND',
  NO_MODEL: 'MODEL_NOT_FOUND',
  ACCESS_DENIED: 'PERMISSION_DENIED',
  PICKLE_REFUSED: 'PERMISSION_DENIED',
  CODE_REFUSED: 'PERMISSION_DENIED',
  UNSAFE_PACKAGE: 'PERMISSION_DENIED',
  SIGNATURE_INVALID: 'SIGNATURE_INVALID',
  NETWORK: 'SOURCE_UNAVAILABLE',
  RATE_LIMITED: 'SOURCE_UNAVAILABLE',
  BAD_RESPONSE: 'SOURCE_UNAVAILABLE',
  CHECKSUM_MISMATCH: 'SOURCE_UNAVAILABLE',
  INVALID_PACKAGE: 'INVALID_MANIFEST',
  NO_SPACE: 'STORAGE_FULL',
  ALREADY_EXISTS: 'ALREADY_EXISTS',
  BUSY: 'TOO_MANY_REQUESTS',
  INTERRUPTED: 'CANCELLED',
};

/** Calls for each line that is an object of JSON; what is longer than a line may be is passed over. */
export function eachEvent(stream: Readable, take: (event: Fields) => void): void {
  let partial = '';
  let isTooLong = false;
  stream.setEncoding('utf8');
  stream.on('error', () => undefined);
  stream.on('data', (text: string) => {
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    if (isTooLong && lines.length > 0) {
      lines.shift();
      isTooLong = false;
    }
    if (isTooLong || partial.length > limits.pullLineLength) {
      partial = '';
      isTooLong = true;
    }
    for (const line of lines) {
      const event = objectOf(line);
      if (event !== null) take(event);
    }
  });
}

function objectOf(text: string): Fields | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Fields) : null;
  } catch {
    // Node's own warnings stand there, too.
    return null;
  }
}

function countOf(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 ? value : null;
}

/** Of a `file` event; null for others. */
export function fileOf({ event, name, digest, size, bytes }: Fields): PulledFile | null {
  if (event !== 'file' || typeof name !== 'string') return null;
  return {
    name,
    digest: typeof digest === 'string' ? digest : null,
    size: countOf(size),
    bytes: countOf(bytes) ?? 0,
  };
}

/** Bytes of all files, as far as they are known by this event. */
export function totalOf({ event, bytes, total }: Fields): number {
  if (event === 'plan') return countOf(bytes) ?? 0;
  const { bytes: here, size } = (total ?? {}) as Fields;
  return Math.max(countOf(here) ?? 0, countOf(size) ?? 0);
}

/** The document. Throws what went wrong. */
export function pulledOf(stdout: string): Pulled {
  const { id, path, error } = objectOf(stdout) ?? {};
  if (typeof id === 'string' && typeof path === 'string') return { id, path };
  const { code, message } = (error ?? {}) as Fields;
  if (typeof code !== 'string' || typeof message !== 'string') {
    throw new MlosError('INTERNAL', 'axon ended without an answer; the log has what it said.');
  }
  const known = Object.hasOwn(codes, code) ? codes[code] : undefined;
  const text = message.slice(0, limits.reasonLength);
  throw new MlosError(known ?? 'INTERNAL', text, { details: { axon: code } });
}

/** Whether somebody has to look after it: it is no matter of what was asked for. */
export function isFault({ code }: MlosError): boolean {
  return errorCodes[code].http === 500;
}
