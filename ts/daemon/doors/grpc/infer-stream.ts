import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Root } from 'protobufjs';
import { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import { failure, type ServiceTools } from './calls.ts';
import { errorMessage } from './error.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { orderedStream } from './ordered-stream.ts';

/** What runs one request of the stream. */
interface InferCall {
  call(request: Record<string, unknown>, context: RequestContext): unknown;
}

/** InferStream: each message is an inference; a failed one is answered and does not end the stream. */
export function inferStreamHandler(
  infer: InferCall,
  root: Root,
  tools: ServiceTools,
): (call: ServerDuplexStream<Buffer, Buffer>) => void {
  const requestType = root.lookupType('mlos.v1.InferStreamRequest');
  const responseType = root.lookupType('mlos.v1.InferStreamResponse');

  const refuse = (thrown: unknown, id: string, context: RequestContext): Buffer => {
    const error = failure(thrown, context.requestId, tools.logger);
    return encodeMessage(responseType, { id, error: errorMessage(error, context.requestId) });
  };

  return orderedStream(tools, {
    answer: async (message, context) => {
      let id = '';
      try {
        const { id: given = '', request } = decodeMessage(requestType, message);
        id = String(given);
        if (request === undefined) {
          throw new MlosError('INVALID_ARGUMENT', 'The message of the stream has no "request".');
        }
        const response = await infer.call(request as Record<string, unknown>, context);
        return encodeMessage(responseType, { id, response });
      } catch (thrown) {
        return refuse(thrown, id, context);
      }
    },
    refuse: (error, context) => refuse(error, '', context),
  });
}
