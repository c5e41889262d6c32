import { STATUS_CODES } from 'node:http';
import { errorCodes } from '../../../protocol/error-codes.ts';
import type { MlosError } from '../../../protocol/errors.ts';

/** What an adapter sends. The content type is always JSON. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** Headers beside the content type, or null. */
  readonly headers: readonly (readonly [string, string])[] | null;
}

/** `404 Not Found`, as uWebSockets.js wants it. 499 is nginx's number and has no registered phrase. */
export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? 'Client Closed Request'}`;
}

export interface ErrorFacts {
  readonly modelId?: unknown;
  readonly requestId?: string;
}

/** MlosError → status and body. Nothing else in this door knows the numbers. */
export function errorAnswer(error: MlosError, facts: ErrorFacts = {}): HttpAnswer {
  const { code, message, details } = error;
  const body: Record<string, unknown> = { status: 'error', code, message };
  if (details !== undefined) body['details'] = details;
  if (typeof facts.modelId === 'string') body['model_id'] = facts.modelId;
  const headers: [string, string][] = [];
  if (facts.requestId !== undefined) headers.push(['x-request-id', facts.requestId]);
  const allow = details?.['allow'];
  if (code === 'METHOD_NOT_ALLOWED' && Array.isArray(allow)) {
    headers.push(['allow', allow.join(', ')]);
  }
  return {
    status: errorCodes[code].http,
    body: encode(body),
    headers: headers.length === 0 ? null : headers,
  };
}

/** An answer to an error may not fail itself: details that JSON cannot carry are left out. */
function encode(body: Record<string, unknown>): string {
  try {
    return JSON.stringify(body);
  } catch {
    const { details: _, ...rest } = body;
    return JSON.stringify(rest);
  }
}
