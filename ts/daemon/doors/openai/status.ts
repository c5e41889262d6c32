import { type ErrorCode, errorCodes } from '../../../protocol/error-codes.ts';
import type { MlosError } from '../../../protocol/errors.ts';

/**
 * Error codes → the statuses and types of OpenAI's API. Its clients try again on 408, 409, 429 and all above
 * 500: what will not change by trying again is none of these.
 */
const httpStatus: Partial<Record<ErrorCode, number>> = {
  UNIMPLEMENTED: 400,
  FAILED_PRECONDITION: 400,
  ALREADY_EXISTS: 400,
  MODEL_LOAD_FAILED: 400,
};

export function openaiStatus(code: ErrorCode): number {
  return httpStatus[code] ?? errorCodes[code].http;
}

function typeOf(status: number): string {
  if (status === 429) return 'rate_limit_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** What a task calls by another name than the API. */
const schema = /\bresponse_schema\b/g;

/** Clients shorten a conversation by themselves where they know that this is what is wrong. */
function isTooLong(details: MlosError['details']): boolean {
  return details?.['prompt_tokens'] !== undefined && details['context_length'] !== undefined;
}

/** The body of an error. */
export function openaiError({ code, message: said, details }: MlosError): Record<string, unknown> {
  const message = said.replace(schema, 'response_format');
  const param = message === said ? (details?.['param'] ?? null) : 'response_format';
  const own = isTooLong(details) ? 'context_length_exceeded' : code.toLowerCase();
  return { error: { message, type: typeOf(openaiStatus(code)), param, code: own } };
}
