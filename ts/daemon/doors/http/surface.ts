import type { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import type { RequestHead } from './request-head.ts';

/** Header lines beside the content type and the length. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

interface ReplyHead {
  readonly status: number;
  readonly contentType: string;
  readonly headers: HeaderLines | null;
}

/** A reply that is whole. */
export interface HttpAnswer extends ReplyHead {
  /** Text, or bytes in parts that lie where they were made. */
  readonly body: string | readonly Uint8Array[];
}

/** A reply that comes bit by bit. */
export interface HttpStream extends ReplyHead {
  /** Asked for the next part when the client has read; ended early (`return`) when the client leaves. */
  readonly parts: AsyncIterable<string | Uint8Array>;
}

export type HttpReply = HttpAnswer | HttpStream;

/** A request whose head a surface has accepted. */
export interface Admitted {
  readonly maxBodyBytes: number;
  /** Whether the body is needed after `run` has returned: its memory may be the library's otherwise. */
  readonly keepsBody: boolean;
  /** Whether the answer is compressed where the client asks for it. */
  readonly compresses: boolean;
  /** Runs it. Synchronous where that can be. Never throws or rejects. */
  run(body: Buffer | null, context: RequestContext): HttpReply | Promise<HttpReply>;
  /** The answer to a request that the door gave up before it ran. */
  refuse(error: MlosError): HttpAnswer;
}

/**
 * One set of paths behind the HTTP door, with the form that its requests, answers and errors have. The
 * door asks its surfaces in order; the first that owns the path has the request.
 */
export interface Surface {
  owns(path: string): boolean;
  /** From the head alone. Throws MlosError. */
  admit(head: RequestHead): Admitted;
  /** Verbs of a path, for OPTIONS; throws UNKNOWN_METHOD. */
  allow(path: string): readonly string[];
  refuse(error: MlosError): HttpAnswer;
}

export function bodyBytes(body: HttpAnswer['body']): number {
  if (typeof body === 'string') return Buffer.byteLength(body);
  return body.reduce((sum, part) => sum + part.byteLength, 0);
}
