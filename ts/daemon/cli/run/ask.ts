import { limits } from '../../../protocol/limits.ts';
import type { Result } from '../../../protocol/method-table.ts';
import { openLine } from '../call.ts';
import type { CommonOptions } from '../options.ts';
import { resultText } from './show-result.ts';

type Fields = Readonly<Record<string, unknown>>;
export type Answer = Result<'models.infer'>;

/** Where an answer goes. */
export interface Screen {
  readonly out: { write(text: string): unknown };
  /** What a model thinks, and remarks; null: nowhere. */
  readonly aside: { write(text: string): unknown } | null;
}

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
    let isMidLine = false;
    let hasSpoken = false;
    const say = (text: string) => {
      if (text === '') return;
      hasSpoken = true;
      isMidLine = !text.endsWith('\n');
      screen?.out.write(text);
    };
    const wait = {
      ...(signal === undefined ? {} : { signal }),
      ...(screen === undefined
        ? {}
        : {
            onEvent: ({ text, thinking }: { readonly text: string; readonly thinking: string }) => {
              if (thinking !== '') screen.aside?.write(thinking);
              say(text);
            },
          }),
    };
    try {
      const answer = await line.call('models.infer', params, wait);
      if (screen !== undefined && !hasSpoken) say(resultText(answer.result, request));
      if (isMidLine) say('\n');
      if (screen !== undefined) sayCalls(answer.result, screen);
      return answer;
    } catch (error) {
      if (isMidLine) say('\n');
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
