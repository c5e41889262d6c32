import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../protocol/limits.ts';
import type { PluginTaskRequest } from '../../smi/serve.ts';

/*
 * The fake plugin's writing: the words of the prompt (or of the last message) one after the other, as often as
 * max_tokens allows. Some words do something instead:
 *
 *   pause=<ms>        so long before each word
 *   fail, crash       it does that, when it comes to it
 *   fail-seed=<n>     it fails behind its first word where that is the request's seed
 *   think=<word>      is thought, not said
 *   call=<name>       calls that tool behind the text, where the request has tools
 *   params, messages  the request's own, as JSON; pictures are how many bytes they have
 */
interface Message {
  readonly content: string | null;
  readonly images?: readonly Uint8Array[];
}

function spoken(word: string, { inputs, parameters }: PluginTaskRequest): string {
  if (word === 'params') return JSON.stringify(parameters);
  if (word !== 'messages') return word;
  const messages = (inputs['messages'] ?? []) as readonly Message[];
  return JSON.stringify(
    messages.map(({ images, ...message }) => ({
      ...message,
      ...(images === undefined ? {} : { images: images.map((one) => one.byteLength) }),
    })),
  );
}

function valuesOf(words: readonly string[], name: string): readonly string[] {
  const mark = `${name}=`;
  return words.filter((word) => word.startsWith(mark)).map((word) => word.slice(mark.length));
}

function chanceOf(token: string) {
  return { token, logprob: -0.5, top: [{ token, logprob: -0.5 }] };
}

interface Orders {
  readonly words: readonly string[];
  readonly pauseMs: number;
  readonly failSeeds: readonly number[];
  readonly thinking: readonly string[];
  readonly calls: readonly string[];
}

function ordersOf({ inputs, parameters }: PluginTaskRequest): Orders {
  const messages = inputs['messages'] as readonly Message[] | undefined;
  const all = String(inputs['text'] ?? messages?.at(-1)?.content ?? '').split(' ');
  return {
    words: all.filter((word) => !/^(?:pause|fail-seed|think|call)=/.test(word)),
    pauseMs: Number(valuesOf(all, 'pause')[0] ?? 0),
    failSeeds: valuesOf(all, 'fail-seed').map(Number),
    thinking: valuesOf(all, 'think'),
    calls: parameters['tools'] === undefined ? [] : valuesOf(all, 'call'),
  };
}

/** The tokens. */
async function write(
  request: PluginTaskRequest,
  { words, pauseMs, failSeeds }: Orders,
  max: number,
): Promise<string[]> {
  const { parameters, emit, signal } = request;
  const said: string[] = [];
  while (said.length < max) {
    await sleep(pauseMs, undefined, { signal });
    const word = words[said.length % words.length] ?? '';
    const fails = failSeeds.includes(Number(parameters['seed'] ?? -1)) && said.length > 0;
    if (word === 'fail' || fails) throw new Error('the fake task failed as it was told');
    if (word === 'crash') process.abort();
    const shown = spoken(word, request);
    const text = said.length === 0 ? shown : ` ${shown}`;
    said.push(text);
    const logprobs = parameters['logprobs'] === true ? { logprobs: [chanceOf(text)] } : {};
    emit({ text, tokens: 1, ...logprobs });
  }
  return said;
}

export async function generate(request: PluginTaskRequest) {
  const { parameters, emit } = request;
  const orders = ordersOf(request);
  const { words, thinking, calls } = orders;
  for (const thought of thinking) emit({ text: '', tokens: 1, thinking: thought });
  const wanted = Number(parameters['max_tokens'] ?? limits.generatedTokens);
  // As many as there may be: it ends by itself then.
  const max = wanted === limits.generatedTokens ? words.length : wanted;
  const said = await write(request, orders, max);
  const whole = calls.length > 0 ? 'tool_calls' : 'stop';
  return {
    text: said.join(''),
    finish_reason: max < words.length ? 'length' : whole,
    prompt_tokens: words.length,
    completion_tokens: said.length,
    ...(parameters['logprobs'] === true ? { logprobs: said.map(chanceOf) } : {}),
    ...(thinking.length > 0 ? { thinking: thinking.join('') } : {}),
    ...(calls.length > 0
      ? { tool_calls: calls.map((name) => ({ name, arguments: { city: 'Rome' } })) }
      : {}),
  };
}
