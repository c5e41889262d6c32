import { isUtf8 } from 'node:buffer';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';

/*
 * multipart/form-data (RFC 7578) that is whole in memory: its files are views of the body, not copies.
 *
 *     --boundary CRLF
 *     Content-Disposition: form-data; name="input"; filename="cat.jpg" CRLF
 *     Content-Type: image/jpeg CRLF CRLF
 *     …bytes… CRLF
 *     --boundary-- CRLF
 */
const boundaryPattern = /;\s*boundary=(?:"([^"]{1,70})"|([^;\s"]{1,70}))\s*(?:;|$)/i;
const lineEnd = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');

export interface FormField {
  readonly name: string;
  /** Bytes of a file; a text where its part says that it is one, or names no file. */
  readonly value: string | Buffer;
}

function malformed(why: string): MlosError {
  return new MlosError('INVALID_ARGUMENT', `The body is not whole multipart/form-data: ${why}.`);
}

/** Errors: INVALID_ARGUMENT, PAYLOAD_TOO_LARGE (more fields than a request may have). */
export function readFormData(contentType: string, body: Buffer): FormField[] {
  const match = boundaryPattern.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) {
    throw malformed('Content-Type names no boundary of 1 to 70 characters');
  }
  const delimiter = Buffer.from(`--${boundary}`, 'latin1');
  const fields: FormField[] = [];
  let at = firstDelimiter(body, delimiter);
  while (!isLast(body, at)) {
    if (fields.length >= limits.taskItems) {
      throw new MlosError(
        'PAYLOAD_TOO_LARGE',
        `The form has more than ${limits.taskItems} fields; that is the limit.`,
      );
    }
    const start = afterLine(body, at);
    const end = nextDelimiter(body, start, delimiter);
    const label = `part ${fields.length + 1}`;
    // The line end before a delimiter is the delimiter's.
    fields.push(readPart(label, body.subarray(start, end - lineEnd.byteLength)));
    at = end + delimiter.byteLength;
  }
  return fields;
}

/** The place after the first delimiter; what is before it is no part. */
function firstDelimiter(body: Buffer, delimiter: Buffer): number {
  const isFirst = body.subarray(0, delimiter.byteLength).equals(delimiter);
  if (isFirst && endsLine(body, delimiter.byteLength)) return delimiter.byteLength;
  return nextDelimiter(body, 0, delimiter) + delimiter.byteLength;
}

/** Where the next delimiter begins, which stands at the beginning of a line and alone in it. */
function nextDelimiter(body: Buffer, from: number, delimiter: Buffer): number {
  const wanted = Buffer.concat([lineEnd, delimiter]);
  // An empty part's line end may be that of its head.
  let at = body.indexOf(wanted, Math.max(0, from - lineEnd.byteLength));
  while (at >= 0 && !endsLine(body, at + wanted.byteLength)) at = body.indexOf(wanted, at + 1);
  if (at < 0) throw malformed(`the line ${JSON.stringify(String(delimiter))} is missing`);
  return at + lineEnd.byteLength;
}

function endsLine(body: Buffer, at: number): boolean {
  return isLast(body, at) || afterBlanks(body, at) !== null;
}

function isLast(body: Buffer, at: number): boolean {
  return body[at] === 0x2d && body[at + 1] === 0x2d;
}

/** The place of the line end, past blanks; null where something else stands there. */
function afterBlanks(body: Buffer, from: number): number | null {
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x09) at += 1;
  return body[at] === 0x0d && body[at + 1] === 0x0a ? at : null;
}

function afterLine(body: Buffer, at: number): number {
  return (afterBlanks(body, at) ?? at) + lineEnd.byteLength;
}

function readPart(label: string, part: Buffer): FormField {
  const headLength = part.indexOf(headEnd);
  if (headLength < 0) throw malformed(`${label} has no empty line after its headers`);
  if (headLength > limits.httpHeaderBytes) throw malformed(`the headers of ${label} are too large`);
  const headers = readHeaders(label, part.subarray(0, headLength));
  const { name, isFile } = readDisposition(label, headers.get('content-disposition') ?? '');
  const encoding = headers.get('content-transfer-encoding')?.toLowerCase() ?? 'binary';
  if (!['binary', '7bit', '8bit'].includes(encoding)) {
    throw malformed(`${label} is in ${JSON.stringify(encoding)}; send its bytes as they are`);
  }
  const content = part.subarray(headLength + headEnd.byteLength);
  const type = headers.get('content-type')?.toLowerCase() ?? '';
  const isText = type === '' ? !isFile : /^text\/|^application\/json\b/.test(type);
  if (!isText) return { name, value: content };
  if (!isUtf8(content)) throw malformed(`the text ${JSON.stringify(name)} is not UTF-8`);
  return { name, value: content.toString() };
}

function readHeaders(label: string, head: Buffer): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.toString().split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) {
      throw malformed(`${label} has the header ${JSON.stringify(line.slice(0, 100))}`);
    }
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

function readDisposition(label: string, text: string): { name: string; isFile: boolean } {
  const quoted = /;\s*name="((?:[^"\\]|\\.)*)"/i.exec(text)?.[1]?.replaceAll(/\\(.)/g, '$1');
  const name = quoted ?? /;\s*name=([^\s;"]+)/i.exec(text)?.[1];
  if (!/^form-data\b/i.test(text) || name === undefined || name === '') {
    throw malformed(`${label} has no Content-Disposition: form-data; name="…"`);
  }
  return { name, isFile: /;\s*filename\*?=/i.test(text) };
}
