import { once } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Root } from 'protobufjs';
import { wireGenerationEvent } from '../../../protocol/tasks/generation-event.ts';
import { RequestContext } from '../../request-context.ts';
import { ToldEvents } from '../told-events.ts';
import { failure, type ServiceTools, tooManyBytes } from './calls.ts';
import { statusOf } from './error.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';

/** What runs the request. */
interface InferCall {
  call(request: Record<string, unknown>, context: RequestContext): unknown;
}

type Call = ServerWritableStream<Buffer, Buffer>;

/** At the client's pace: what it does not read waits in `ToldEvents`, as a text. */
async function write(call: Call, message: Buffer): Promise<void> {
  if (call.write(message) || call.cancelled) return;
  const heard = new AbortController();
  const either = ['drain', 'cancelled'].map((name) => once(call, name, { signal: heard.signal }));
  await Promise.race(either);
  heard.abort();
  await Promise.allSettled(either);
}

/** InferEvents: what a model writes as it comes, then the whole answer. Errors are the call's status. */
export function inferEventsHandler(
  infer: InferCall,
  root: Root,
  tools: ServiceTools,
): (call: Call) => void {
  const requestType = root.lookupType('mlos.v1.InferRequest');
  const responseType = root.lookupType('mlos.v1.InferEvent');

  async function tell(call: Call, context: RequestContext): Promise<void> {
    const request = decodeMessage(requestType, call.request);
    const told = new ToldEvents(context, () => infer.call(request, context));
    for await (const event of told.events()) {
      await write(call, encodeMessage(responseType, { written: wireGenerationEvent(event) }));
    }
    await write(call, encodeMessage(responseType, { response: await told.result }));
  }

  return (call) => {
    const context = new RequestContext('grpc', { deadline: Number(call.getDeadline()) });
    const bytes = call.request.byteLength;
    const fail = (thrown: unknown) => {
      const error = failure(thrown, context.requestId, tools.logger);
      call.emit('error', statusOf(error, context.requestId));
    };
    if (!tools.messages.take(bytes)) {
      fail(tooManyBytes());
      return;
    }
    call.once('cancelled', () => context.abort());
    tell(call, context)
      .then(() => call.end(), fail)
      .finally(() => tools.messages.give(bytes));
  };
}
