import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { errorCodes } from '../../../protocol/error-codes.ts';
import type { MlosError } from '../../../protocol/errors.ts';

/*
 * MlosError → status: google.rpc.Code and message, and in the metadata what gRPC has no field for:
 * `mlos-code`, `mlos-request-id`, and `mlos-details-bin` (JSON in UTF-8).
 */
/** Clients take some 8 KiB of metadata, the message in percent-encoding included. */
const longestMessage = 1_024;
const longestDetailsBytes = 2_048;

/** grpc-js encodes the message as a URI, which lone surrogates are none of. */
function fitting(message: string): string {
  const isLong = message.length > longestMessage;
  const bytes = Buffer.from(isLong ? `${message.slice(0, longestMessage)}…` : message);
  return bytes.toString();
}

/** An answer to an error may not fail itself: details that JSON cannot carry are left out. */
function detailsOf(error: MlosError): Buffer | null {
  if (error.details === undefined) return null;
  try {
    const bytes = Buffer.from(JSON.stringify(error.details));
    return bytes.byteLength <= longestDetailsBytes ? bytes : null;
  } catch {
    return null;
  }
}

export function statusOf(
  error: MlosError,
  requestId: string | null,
): Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  const metadata = new Metadata();
  metadata.set('mlos-code', error.code);
  if (requestId !== null) metadata.set('mlos-request-id', requestId);
  const details = detailsOf(error);
  if (details !== null) metadata.set('mlos-details-bin', details);
  return { code: errorCodes[error.code].grpc, details: fitting(error.message), metadata };
}

/** The same as a message, for an answer within a stream. */
export function errorMessage(error: MlosError, requestId: string | null): object {
  const details = detailsOf(error);
  return {
    code: error.code,
    message: fitting(error.message),
    details: details === null ? undefined : JSON.parse(details.toString()),
    request_id: requestId,
  };
}
