import { setTimeout as sleep } from 'node:timers/promises';
import type { PluginTaskRequest, TaskEntry } from '../../smi/serve.ts';

/*
 * Tasks of the fake plugin, for models whose file reads `tasks`. Embeddings are two numbers: the length of
 * the text, and 1. Generation says the prompt's words (or the last message's) one after the other, as often as max_tokens allows,
 * one each `pause=<ms>`, a word of the prompt; `fail` and `crash` among them do that.
 */
export const fakeTasks: readonly TaskEntry[] = [
  { name: 'text-generation', facts: { chat: true, context_length: 1_000 } },
  { name: 'feature-extraction', facts: { pooling: 'mean', dimensions: 2 } },
];

function embed(text: string) {
  const vector = Float32Array.of(text.length, 1);
  return {
    embedding: { float32: new Uint8Array(vector.buffer), shape: [2] },
    tokens: text.split(' ').length,
  };
}

async function generate({ inputs, parameters, emit, signal }: PluginTaskRequest) {
  const messages = inputs['messages'] as readonly { readonly content: string }[] | undefined;
  const prompt = String(inputs['text'] ?? messages?.at(-1)?.content ?? '');
  const words = prompt.split(' ').filter((word) => !word.startsWith('pause='));
  const pauseMs = Number(/pause=(\d+)/.exec(prompt)?.[1] ?? 0);
  const max = Number(parameters['max_tokens'] ?? words.length);
  const said: string[] = [];
  while (said.length < max) {
    await sleep(pauseMs, undefined, { signal });
    const word = words[said.length % words.length] ?? '';
    if (word === 'fail') throw new Error('the fake task failed as it was told');
    if (word === 'crash') process.abort();
    const text = said.length === 0 ? word : ` ${word}`;
    said.push(text);
    emit({ text, tokens: 1 });
  }
  return {
    text: said.join(''),
    finish_reason: max < words.length ? 'length' : 'stop',
    prompt_tokens: words.length,
    completion_tokens: said.length,
  };
}

export async function runFakeTask(request: PluginTaskRequest) {
  if (request.task === 'text-generation') return generate(request);
  const text = request.inputs['text'] as string | readonly string[];
  return typeof text === 'string' ? embed(text) : text.map(embed);
}
