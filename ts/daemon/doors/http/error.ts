import { STATUS_CODES } from 'node:http';
import { errorCodes } from '../../../protocol/error-codes.ts';
import type { MlosError } from '../../../protocol/errors.ts';
import type { HttpAnswer } from './surface.ts';

/** `404 Not Found`, as uWebSockets.js wants it. 499 is nginx's number and has no registered phrase. */
export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? 'Client Closed Request'}`;
}

/** Whoever came too early, or to too many, may come again: after so many seconds. */
export function retryHeaders(status: number): [string, string][] {
  return status === 429 || status === 503 ? [['retry-after', '1']] : [];
}

export interface ErrorFacts {
  readonly modelId?: unknown;
  readonly requestId?: string;
}

/** MlosError → status and body, in the form of the method table's paths. */
export function errorAnswer(error: MlosError, facts: ErrorFacts = {}): HttpAnswer {
  const { code, message, details } = error;
  const body: Record<string, unknown> = { status: 'error', code, message };
  if (details !== undefined) body['details'] = details;
  if (typeof facts.modelId === 'string') body['model_id'] = facts.modelId;
  const headers = retryHeaders(errorCodes[code].http);
  if (facts.requestId !== undefined) headers.push(['x-request-id', facts.requestId]);
  const allow = details?.['allow'];
  if (code === 'METHOD_NOT_ALLOWED' && Array.isArray(allow)) {
    headers.push(['allow', allow.join(', ')]);
  }
  return {
    status: errorCodes[code].http,
    contentType: 'application/json',
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
