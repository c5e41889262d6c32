import { wireGenerationEvent } from '../../../protocol/tasks/generation-event.ts';
import type { RequestContext } from '../../request-context.ts';
import { ToldEvents } from '../told-events.ts';
import { encodeResult } from './codec.ts';
import { eventStream, eventStreamType, type StreamEvent } from './event-stream.ts';
import type { HttpAnswer, HttpReply } from './surface.ts';

/*
 * An operation's answer as server-sent events:
 *
 *     event: text     what was written since the last one; any number
 *     event: result   the whole answer, as it is without events; the last one
 *     event: error    in its place, where it went wrong after the first event
 *
 * What goes wrong before the first event is answered as everywhere, by its status.
 */
const mediaType = /(?:^|,)\s*text\/event-stream\s*(?:;|,|$)/i;

export function acceptsEvents(accept: string): boolean {
  return mediaType.test(accept);
}

/** Runs `call` and streams what it tells. Errors are `failed`'s to put into words. */
export async function eventsReply(
  context: RequestContext,
  call: () => unknown,
  failed: (thrown: unknown) => HttpAnswer,
): Promise<HttpReply> {
  const told = new ToldEvents(context, call);
  try {
    await told.begun;
  } catch (thrown) {
    return failed(thrown);
  }
  const parts = eventStream(eventsOf(told, failed));
  return { status: 200, contentType: eventStreamType, headers: null, parts };
}

async function* eventsOf(
  told: ToldEvents,
  failed: (thrown: unknown) => HttpAnswer,
): AsyncGenerator<StreamEvent, void, void> {
  try {
    for await (const event of told.events()) {
      yield { name: 'text', data: JSON.stringify(wireGenerationEvent(event)) };
    }
    yield { name: 'result', data: encodeResult(await told.result) };
  } catch (thrown) {
    yield { name: 'error', data: String(failed(thrown).body) };
  }
}
