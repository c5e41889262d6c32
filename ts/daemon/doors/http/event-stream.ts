import type { HeaderLines } from './surface.ts';

/**
 * Server-sent events: one text for each event. While none comes a comment goes out, so that neither an
 * idle limit nor a proxy cuts a stream that waits for its model.
 */
const quietMs = 4_000;

export const eventStreamType = 'text/event-stream; charset=utf-8';

export const streamHeaders: HeaderLines = [
  ['cache-control', 'no-cache'],
  // Proxies that gather answers would hold tokens back.
  ['x-accel-buffering', 'no'],
];

/** An event; where it has a name, browsers hand it to the listeners of that name. */
export type StreamEvent = string | { readonly name: string; readonly data: string };

/** Text that holds line breaks is several `data` lines of one event. */
export function eventText(event: StreamEvent): string {
  const { name, data } = typeof event === 'string' ? { name: null, data: event } : event;
  const first = name === null ? '' : `event: ${name}\n`;
  return `${first}data: ${data.replaceAll(/\r\n|\r|\n/g, '\ndata: ')}\n\n`;
}

export async function* eventStream(
  events: AsyncIterable<StreamEvent>,
  quiet: number = quietMs,
): AsyncGenerator<string, void, void> {
  const iterator = events[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = iterator.next();
      let event: IteratorResult<StreamEvent> | null = null;
      while (event === null) {
        event = await before(next, quiet);
        if (event === null) yield ': waiting\n\n';
      }
      if (event.done === true) return;
      yield eventText(event.value);
    }
  } finally {
    await iterator.return?.();
  }
}

/** The value, or null where it takes longer. */
async function before<T>(value: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}
