import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Root } from 'protobufjs';
import { MlosError } from '../../../protocol/errors.ts';
import { RequestContext } from '../../request-context.ts';
import { AnswerOrder } from './answer-order.ts';
import { failure, type ServiceTools, tooManyBytes } from './calls.ts';
import { errorMessage } from './error.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';

/** What runs one request of the stream. */
interface InferCall {
  call(request: Record<string, unknown>, context: RequestContext): unknown;
}

/** InferStream: each message is an inference; several run at once, answers come in their order. */
export function inferStreamHandler(
  infer: InferCall,
  root: Root,
  tools: ServiceTools,
): (call: ServerDuplexStream<Buffer, Buffer>) => void {
  const requestType = root.lookupType('mlos.v1.InferStreamRequest');
  const responseType = root.lookupType('mlos.v1.InferStreamResponse');

  async function answer(message: Buffer, context: RequestContext): Promise<Buffer> {
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
      const error = failure(thrown, context.requestId, tools.logger);
      return encodeMessage(responseType, { id, error: errorMessage(error, context.requestId) });
    }
  }

  return (call) => {
    const order = new AnswerOrder(call);
    const underWay = new Set<RequestContext>();
    const deadline = Number(call.getDeadline());
    call.on('data', (message: Buffer) => {
      const fill = order.open();
      const context = new RequestContext('grpc', { deadline });
      const isTaken = tools.messages.take(message.byteLength);
      if (!isTaken) {
        const error = errorMessage(tooManyBytes(), context.requestId);
        fill([encodeMessage(responseType, { error })]);
        return;
      }
      underWay.add(context);
      void answer(message, context).then((bytes) => {
        underWay.delete(context);
        tools.messages.give(message.byteLength);
        fill([bytes]);
      });
    });
    call.on('end', () => order.end());
    // A stream that breaks is cancelled as well, which is where it is dealt with.
    call.on('error', () => undefined);
    call.on('cancelled', () => {
      order.abandon();
      for (const context of underWay) context.abort();
    });
  };
}
