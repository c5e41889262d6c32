import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import { encodeError, type RequestId, readId } from './codec.ts';

/** Whatever an operation threw → an answer frame. What is our own fault goes to the log too. */
export function errorFrame(
  id: RequestId | null,
  thrown: unknown,
  facts: { readonly logger: Logger; readonly context?: RequestContext },
): readonly Buffer[] {
  const error = MlosError.from(thrown);
  if (!(thrown instanceof MlosError)) {
    facts.logger.error({ requestId: facts.context?.requestId, err: thrown }, 'ipc: fault');
  }
  try {
    return encodeError(id, error);
  } catch {
    // Details that msgpack cannot carry are left out: an answer to an error may not fail itself.
    return encodeError(id, new MlosError(error.code, error.message));
  }
}

/** The id that an undecodable frame is answered with: null where none could be read. */
export function idOfMalformed(error: MlosError): RequestId | null {
  return readId(error.details?.['id']);
}
