import { MlosError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { type GenerationEvent, readGenerationEvent } from '../protocol/tasks/generation-event.ts';

export const eventsType = 'text/event-stream';

interface Block {
  readonly name: string;
  readonly data: string;
}

function readBlock(text: string): Block {
  let name = 'message';
  const data: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('event: ')) name = line.slice('event: '.length);
    if (line.startsWith('data: ')) data.push(line.slice('data: '.length));
  }
  return { name, data: data.join('\n') };
}

/** Server-sent events of a body, as the daemon writes them. */
async function* blocksOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Block, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > limits.ipcFrameBytes) {
      throw new MlosError('PAYLOAD_TOO_LARGE', 'An event of the answer is larger than a frame.');
    }
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const block = readBlock(rest.slice(0, end));
      rest = rest.slice(end + 2);
      if (block.data !== '') yield block;
    }
  }
}

/** Tells the events and returns the answer. Rejects with the error that came in its place. */
export async function readEvents(
  response: Response,
  onEvent: (event: GenerationEvent) => void,
): Promise<unknown> {
  const body = response.body as unknown as AsyncIterable<Uint8Array> | null;
  for await (const { name, data } of blocksOf(body ?? (async function* () {})())) {
    const value: unknown = JSON.parse(data);
    if (name === 'error') throw MlosError.fromWire(value);
    if (name === 'result') return value;
    if (name === 'text') onEvent(readGenerationEvent({ ...(value as object) }));
  }
  throw new MlosError('INTERNAL', 'The answer ended before its result: the daemon may be gone.');
}
