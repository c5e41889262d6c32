import type { GenerationEvent } from '../../../protocol/tasks/generation-event.ts';
import type { GeneratedText } from '../text/text-models.ts';
import type { ToldEvents } from '../told-events.ts';

/** What one of several texts that are written side by side says next: a piece, or that it is done. */
export type ChoiceNews =
  | { readonly index: number; readonly event: GenerationEvent }
  | { readonly index: number; readonly done: GeneratedText };

async function* newsOf(told: ToldEvents, index: number): AsyncGenerator<ChoiceNews, void, void> {
  for await (const event of told.events()) yield { index, event };
  yield { index, done: (await told.result) as GeneratedText };
}

/** Whatever comes first, of all choices. Rejects with the first error of any. */
export async function* choiceStreams(
  choices: readonly ToldEvents[],
): AsyncGenerator<ChoiceNews, void, void> {
  const streams = choices.map((told, index) => newsOf(told, index));
  const next = new Map(streams.map((stream, index) => [index, stream.next()]));
  while (next.size > 0) {
    const racing = [...next].map(async ([index, step]) => ({ index, step: await step }));
    const { index, step } = await Promise.race(racing);
    if (step.done === true) {
      next.delete(index);
      continue;
    }
    const stream = streams[index];
    if (stream !== undefined) next.set(index, stream.next());
    yield step.value;
  }
}
