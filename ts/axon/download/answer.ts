import type { FileHandle } from 'node:fs/promises';
import { AxonError } from '../axon-error.ts';
import type { FileRequest } from './fetch-file.ts';
import { beginning } from './fetch-json.ts';
import { type HttpResponse, header, readBody } from './http.ts';
import { Retryable } from './retry.ts';

const headBytes = 64 * 1024;
const rangePattern = /^bytes (\d+)-(\d+)\/(\d+|\*)$/;
const pointerStart = 'version https://git-lfs';

/** From `start`, to the end or up to `end`. */
export interface Wanted {
  readonly start: number;
  readonly end: number | null;
}

/** Where the bytes of an answer belong. */
export interface Place {
  readonly start: number;
  /** Where they end, as far as the answer says. */
  readonly end: number | null;
  /** Size of the whole file, as far as anyone says. */
  readonly total: number | null;
}

/** Not the bytes that were asked for. */
export class Misplaced extends AxonError {
  constructor(host: string) {
    super(
      'BAD_RESPONSE',
      `${host} sends another part of the file than asked, and not the whole either. Try again later or tell the source.`,
    );
  }
}

function contentLength(response: HttpResponse): number | null {
  const text = header(response, 'content-length') ?? '';
  return /^\d+$/.test(text) ? Number(text) : null;
}

/**
 * Content-Range decides where the bytes belong, not the status: some servers answer a range with 200, and
 * a 206 that does not say which part it is (multipart/byteranges, say) cannot be used.
 */
export function placeOf(response: HttpResponse, asked: number, size: number | null): Place {
  const range = rangePattern.exec(header(response, 'content-range') ?? '');
  if (range === null) {
    if (response.status !== 200) throw new Misplaced(response.url.host);
    const length = contentLength(response);
    return { start: 0, end: length, total: size ?? length };
  }
  const [start, end] = [Number(range[1]), Number(range[2]) + 1];
  const total = range[3] === '*' ? size : Number(range[3]);
  if (start !== asked || end <= start || end > (total ?? end) || total !== (size ?? total))
    throw new Misplaced(response.url.host);
  return { start, end, total };
}

/** `416` with the total that is there already says that nothing is missing. */
export function endsAt(response: HttpResponse, offset: number): boolean {
  return (
    response.status === 416 && header(response, 'content-range') === `bytes */${String(offset)}`
  );
}

/** What an answer says it is, where that is not what was asked for; else null. */
function documentType(response: HttpResponse, file: FileRequest): string | null {
  const type = header(response, 'content-type') ?? '';
  if (/^(text\/html|application\/xhtml|(text|application)\/xml)/i.test(type))
    return file.allowMarkup === true ? null : `a web page (${type})`;
  if (/^application\/([\w.-]+\+)?json/i.test(type) && !/json\w*$/i.test(file.label))
    return `a document (${type})`;
  return null;
}

/** Bytes are asked for as they are. Where a hash is all that is known, it decides. */
function packing(response: HttpResponse, { size, expected, label }: FileRequest): string | null {
  const encoding = header(response, 'content-encoding') ?? 'identity';
  const undecided = size !== null || expected === null;
  return encoding !== 'identity' && undecided && !/gz$/.test(label) ? encoding : null;
}

/** Web pages, error documents and Git LFS pointers come under a model's address too. */
export async function refuseOther(response: HttpResponse, file: FileRequest): Promise<void> {
  const { size, label } = file;
  const length = contentLength(response);
  const whole = response.status === 200 && header(response, 'content-range') === null;
  // As long as it must be: its hash will say what it is.
  if (!whole || (size !== null && length === size)) return;
  const { host } = response.url;
  const packed = packing(response, file);
  if (packed !== null)
    throw new AxonError(
      'BAD_RESPONSE',
      `${host} sent ${label} packed (${packed}), without being asked to.`,
    );
  const other = documentType(response, file);
  if (other === null && (size === null || length === null)) return;
  const body = (await readBody(response, headBytes)) ?? Buffer.alloc(0);
  if (isPointer(body)) throw pointerError(label);
  if (other !== null)
    throw new AxonError(
      'BAD_RESPONSE',
      `${host} answered ${other} instead of ${label}: ${beginning(body)}. Is there a login page or proxy in between?`,
    );
  throw new Retryable(`${host} announced ${length} bytes for ${label}, which has ${size}`, {
    code: 'CHECKSUM_MISMATCH',
  });
}

function isPointer(head: Buffer): boolean {
  return head.toString('latin1', 0, pointerStart.length) === pointerStart;
}

/** Whether what came is a Git LFS pointer: it looks like a body that ends early, each time anew. */
export async function holdsPointer(handle: FileHandle, size: number): Promise<boolean> {
  if (size > 1024) return false;
  const head = Buffer.alloc(64);
  await handle.read(head, 0, head.length, 0);
  return isPointer(head);
}

export function pointerError(label: string): AxonError {
  return new AxonError(
    'BAD_RESPONSE',
    `The source sent a Git LFS pointer instead of ${label} itself. Nothing was installed; tell the source.`,
  );
}

export function tooLarge(label: string, maxBytes: number): AxonError {
  return new AxonError(
    'UNSAFE_PACKAGE',
    `${label} has more than ${maxBytes} bytes, the most that axon takes.`,
  );
}
