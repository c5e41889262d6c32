import { type ErrorCode, errorCodes } from '../../../protocol/error-codes.ts';
import { MlosError } from '../../../protocol/errors.ts';

/**
 * Error codes → the statuses that clients of the Open Inference Protocol know. Over HTTP these are fewer
 * than ours (400, 404, 499, 500, 501, 503, and of what concerns HTTP itself 403, 405, 413, 415, 431): a
 * client that retries does so on 503. Over gRPC the canonical codes are the same as everywhere.
 */
const httpStatus: Partial<Record<ErrorCode, number>> = {
  ALREADY_EXISTS: 400,
  FAILED_PRECONDITION: 400,
  SIGNATURE_INVALID: 400,
  NO_PLUGIN_FOR_FORMAT: 400,
  MISSING_DEPENDENCY: 400,
  MODEL_LOAD_FAILED: 400,
  TOO_MANY_REQUESTS: 503,
  STORAGE_FULL: 503,
  DEADLINE_EXCEEDED: 503,
};

export function oipHttpStatus(code: ErrorCode): number {
  return httpStatus[code] ?? errorCodes[code].http;
}

export function oipGrpcCode(code: ErrorCode): number {
  return errorCodes[code].grpc;
}

export function oipFail(message: string, details?: Readonly<Record<string, unknown>>): never {
  throw new MlosError('INVALID_ARGUMENT', message, details === undefined ? {} : { details });
}
