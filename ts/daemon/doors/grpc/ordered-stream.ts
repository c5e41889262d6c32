import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { MlosError } from '../../../protocol/errors.ts';
import { RequestContext } from '../../request-context.ts';
import { AnswerOrder } from './answer-order.ts';
import { type ServiceTools, tooManyBytes } from './calls.ts';

export interface StreamAnswers {
  /** The answer to one message. Never rejects. */
  answer(message: Buffer, context: RequestContext): Promise<Buffer>;
  /** The answer to a message that is not taken. */
  refuse(error: MlosError, context: RequestContext): Buffer;
}

/** A stream each of whose messages is answered by one, in their order; several run at once. */
export function orderedStream(
  tools: ServiceTools,
  { answer, refuse }: StreamAnswers,
): (call: ServerDuplexStream<Buffer, Buffer>) => void {
  return (call) => {
    const order = new AnswerOrder(call);
    const underWay = new Set<RequestContext>();
    const deadline = Number(call.getDeadline());
    call.on('data', (message: Buffer) => {
      const fill = order.open();
      const context = new RequestContext('grpc', { deadline });
      if (!tools.messages.take(message.byteLength)) {
        fill(refuse(tooManyBytes(), context));
        return;
      }
      underWay.add(context);
      void answer(message, context).then((bytes) => {
        underWay.delete(context);
        tools.messages.give(message.byteLength);
        fill(bytes);
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
