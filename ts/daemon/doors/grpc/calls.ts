import type { MethodDefinition, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import { RequestContext } from '../../request-context.ts';
import type { ByteBudget } from '../byte-budget.ts';
import { statusOf } from './error.ts';

/** What every service of the door is given. */
export interface ServiceTools {
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  /** Bytes of the messages of all calls under way. */
  readonly messages: ByteBudget;
}

/** grpc-js moves bytes; messages are made and read here, where a fault has its error. */
export type BytesMethod = MethodDefinition<Buffer, Buffer>;

const same = (bytes: Buffer): Buffer => bytes;

export function bytesMethod(
  service: string,
  rpc: string,
  streams: { readonly request: boolean; readonly response: boolean } = {
    request: false,
    response: false,
  },
): BytesMethod {
  return {
    path: `/${service}/${rpc}`,
    requestStream: streams.request,
    responseStream: streams.response,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

/** Our own faults go to the log; what a client did wrong was logged where it was found. */
export function failure(thrown: unknown, requestId: string, logger: Logger): MlosError {
  if (!(thrown instanceof MlosError)) logger.error({ requestId, err: thrown }, 'grpc: fault');
  return MlosError.from(thrown);
}

export function tooManyBytes(): MlosError {
  return new MlosError(
    'TOO_MANY_REQUESTS',
    'The gRPC door holds as many bytes of requests as it may; try again later.',
  );
}

/** A call of one message, answered by one. The context is aborted when the caller goes away. */
export function unaryHandler(
  tools: ServiceTools,
  run: (request: Buffer, context: RequestContext) => Buffer | Promise<Buffer>,
): (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => void {
  const { messages, logger } = tools;
  return (call, callback) => {
    const context = new RequestContext('grpc', { deadline: Number(call.getDeadline()) });
    const bytes = call.request.byteLength;
    const fail = (thrown: unknown) => {
      const error = failure(thrown, context.requestId, logger);
      callback(statusOf(error, context.requestId));
    };
    if (!messages.take(bytes)) {
      fail(tooManyBytes());
      return;
    }
    let answer: Buffer | Promise<Buffer>;
    try {
      answer = run(call.request, context);
    } catch (thrown) {
      messages.give(bytes);
      fail(thrown);
      return;
    }
    if (!(answer instanceof Promise)) {
      messages.give(bytes);
      callback(null, answer);
      return;
    }
    call.once('cancelled', () => context.abort());
    answer.then(
      (message) => {
        messages.give(bytes);
        callback(null, message);
      },
      (thrown: unknown) => {
        messages.give(bytes);
        fail(thrown);
      },
    );
  };
}
