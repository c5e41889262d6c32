import { limits } from '../../../protocol/limits.ts';
import type { Result } from '../../../protocol/method-table.ts';
import { openLine } from '../call.ts';
import type { CommonOptions } from '../options.ts';
import { type Screen, Telling } from './screen.ts';
import { resultText } from './show-result.ts';

type Fields = Readonly<Record<string, unknown>>;
export type Answer = Result<'models.infer'>;

/**
 * One request over a connection of its own: whoever stops waiting (`signal`) closes it, and the daemon ends the
 * task. People wait as long as they like, so the longest time is asked for.
 */
export async function ask(
  options: CommonOptions,
  request: Fields,
  hear: { readonly screen?: Screen; readonly signal?: AbortSignal } = {},
): Promise<Answer> {
  const { screen, signal } = hear;
  const params = { timeout_ms: limits.inferenceMaxMs, ...request } as unknown as {
    model_id: string;
  };
  const line = await openLine(options);
  try {
    const telling = new Telling(screen);
    const wait = {
      ...(signal === undefined ? {} : { signal }),
      ...(screen === undefined
        ? {}
        : {
            onEvent: ({ text, thinking }: { readonly text: string; readonly thinking: string }) => {
              telling.think(thinking);
              telling.say(text);
            },
          }),
    };
    try {
      const answer = await line.call('models.infer', params, wait);
      if (screen !== undefined && !telling.hasSpoken)
        telling.say(resultText(answer.result, request));
      telling.end();
      if (screen !== undefined) sayCalls(answer.result, screen);
      return answer;
    } catch (error) {
      telling.end();
      throw error;
    }
  } finally {
    await line.close();
  }
}

/** Tools that the model wants called are no part of its text. */
function sayCalls(result: unknown, { out }: Screen): void {
  const { tool_calls: calls } = (result ?? {}) as Fields;
  if (!Array.isArray(calls)) return;
  for (const call of calls) out.write(`${JSON.stringify(call)}\n`);
}
