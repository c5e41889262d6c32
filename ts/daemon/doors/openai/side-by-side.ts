import type { GenerationEvent } from '../../../protocol/tasks/generation-event.ts';
import type { RequestContext } from '../../request-context.ts';
import { type GeneratedText, partOf, type TaskCall, type TextModels } from '../text/text-models.ts';
import type { ToldEvents } from '../told-events.ts';

/*
 * Several texts that are written at once for one request. They end together: when one of them fails the others are
 * for nobody, and when the client leaves all are.
 */

/** What one of them says next: a piece, or that it is done. */
export type ChoiceNews =
  | { readonly index: number; readonly event: GenerationEvent }
  | { readonly index: number; readonly done: GeneratedText };

export interface SideBySide {
  /** Rejects where an error is the first thing that any of them says. */
  readonly begun: Promise<void>;
  /** Whatever comes first, of all of them. Rejects with the first error of any. */
  news(): AsyncGenerator<ChoiceNews, void, void>;
}

/** All answers, in their order. Rejects with the first error of any. */
export async function askAll(
  models: TextModels,
  calls: readonly TaskCall[],
  context: RequestContext,
): Promise<readonly GeneratedText[]> {
  const parts = calls.map((call) => ({ call, context: partOf(context) }));
  try {
    const answers = await Promise.all(parts.map((part) => models.ask(part.call, part.context)));
    return answers as GeneratedText[];
  } finally {
    // Of no effect where it is answered.
    for (const part of parts) part.context.abort();
  }
}

/** The same, with what is written on the way. */
export function tellAll(
  models: TextModels,
  calls: readonly TaskCall[],
  context: RequestContext,
): SideBySide {
  const parts = calls.map(() => partOf(context));
  const told = calls.map((call, index) => models.tell(call, parts[index] ?? context));
  const end = () => {
    for (const part of parts) part.abort();
  };
  const begun = Promise.race(told.map((one) => one.begun));
  begun.catch(end);
  async function* news(): AsyncGenerator<ChoiceNews, void, void> {
    try {
      yield* firstOf(told);
    } finally {
      end();
    }
  }
  return { begun, news };
}

async function* newsOf(told: ToldEvents, index: number): AsyncGenerator<ChoiceNews, void, void> {
  for await (const event of told.events()) yield { index, event };
  yield { index, done: (await told.result) as GeneratedText };
}

async function* firstOf(choices: readonly ToldEvents[]): AsyncGenerator<ChoiceNews, void, void> {
  const streams = choices.map((told, index) => newsOf(told, index));
  const ask = async (index: number) => ({ index, step: await streams[index]?.next() });
  const next = new Map<number, ReturnType<typeof ask>>();
  const askNext = (index: number) => {
    const asked = ask(index);
    // Where nobody comes back for it, its error is nobody's.
    asked.catch(() => undefined);
    next.set(index, asked);
  };
  for (const index of choices.keys()) askNext(index);
  while (next.size > 0) {
    const { index, step } = await Promise.race(next.values());
    if (step === undefined || step.done === true) {
      next.delete(index);
      continue;
    }
    askNext(index);
    yield step.value;
  }
}
