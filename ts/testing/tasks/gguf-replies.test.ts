import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { recitingGguf } from '../gguf/reciting-gguf.ts';
import { type Anything, packages } from './packages.ts';

/*
 * Guards: what a model thinks and which tools it calls come apart from what it says, for a real model whose reply
 * is known, through every API. Where the optional package is not installed there is nothing to guard.
 */
const llamaCpp: Anything = await import('node-llama-cpp' as string).catch(() => null);
const mayBeMissing = process.env['MLOS_TEST_EVERYTHING'] !== '1';
const options = { timeout: 120_000, skip: llamaCpp === null && mayBeMissing };
const { pack, daemon } = packages();

const packReciting = (name: string, pieces: readonly string[], template?: string) =>
  pack(name, async (folder) => {
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'model.gguf');
    await writeFile(file, recitingGguf(pieces, template));
    return file;
  });

/** It leaves the context to the reply. */
const shortTemplate = "{# tools #}{{ messages[0].content + '<|im_start|>' }}";
const called = [
  ...['<think>', 'Where is it', ' warm?', '</think>', '<tool_call>', '{"name": "weather", '],
  ...['"arguments": {"city": ', '"Rome"', '}}', '</tool_call>'],
];
const tools = [{ type: 'function', function: { name: 'weather', parameters: {} } }] as never[];
const messages = [{ role: 'user' as const, content: 'hi' }];
const asked = { messages, temperature: 0, max_tokens: 40 };

function clients() {
  const url = `http://127.0.0.1:${daemon().httpPort}`;
  return {
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 }),
    ollama: new Ollama({ host: url }),
  };
}

test('thoughts and calls come to OpenAI’s client as they do from OpenAI', options, async () => {
  await packReciting('calls', called);
  const { openai } = clients();
  const body = { ...asked, model: 't/calls@1', tools };
  const { choices } = await openai.chat.completions.create(body);
  const message: Anything = choices[0]?.message;
  assert.equal(choices[0]?.finish_reason, 'tool_calls');
  assert.deepEqual([message.content, message.reasoning_content], [null, 'Where is it warm?']);
  const [call] = message.tool_calls;
  assert.deepEqual(
    [call.function.name, JSON.parse(call.function.arguments)],
    ['weather', { city: 'Rome' }],
  );
  let thoughts = '';
  const streamed: Anything[] = [];
  const reasons: unknown[] = [];
  for await (const chunk of await openai.chat.completions.create({ ...body, stream: true })) {
    const { delta, finish_reason }: Anything = chunk.choices[0];
    thoughts += delta.reasoning_content ?? '';
    streamed.push(...(delta.tool_calls ?? []));
    if (finish_reason !== null) reasons.push(finish_reason);
    assert.equal(delta.content ?? '', '');
  }
  assert.equal(thoughts, 'Where is it warm?');
  assert.deepEqual(
    streamed.map(({ index, function: { name } }) => [index, name]),
    [[0, 'weather']],
  );
  assert.deepEqual(reasons, ['tool_calls']);
  const answered: Anything = await openai.responses.create({
    ...{ model: 't/calls@1', input: 'hi', temperature: 0 },
    tools: [{ type: 'function', name: 'weather', parameters: {}, strict: null }],
  });
  const found = answered.output.find(({ type }: Anything) => type === 'function_call');
  assert.deepEqual([found.name, JSON.parse(found.arguments)], ['weather', { city: 'Rome' }]);
});

test('and to Ollama’s client as they do from Ollama', options, async () => {
  await packReciting('tells', called);
  const { ollama } = clients();
  const body = { ...{ model: 't/tells@1', messages, tools }, options: { temperature: 0 } };
  const { message } = await ollama.chat(body);
  assert.deepEqual([message.content, message.thinking], ['', 'Where is it warm?']);
  const calls = [{ name: 'weather', arguments: { city: 'Rome' } }];
  const plain = (made: readonly Anything[] = []) =>
    made.map(({ function: { name, arguments: values } }) => ({ name, arguments: values }));
  assert.deepEqual(plain(message.tool_calls), calls);
  let thoughts = '';
  const streamed: Anything[] = [];
  for await (const { message: part } of await ollama.chat({ ...body, stream: true })) {
    thoughts += part.thinking ?? '';
    streamed.push(...(part.tool_calls ?? []));
  }
  assert.deepEqual([thoughts, plain(streamed)], ['Where is it warm?', calls]);
});

test('a call of a tool that nobody offered is only said', options, async () => {
  const { ask } = await packReciting('says', called);
  const { text, thinking, tool_calls } = await ask(asked);
  assert.deepEqual([thinking, tool_calls], ['Where is it warm?', undefined]);
  assert.equal(text, called.slice(4).join(''));
  const other = [{ type: 'function', function: { name: 'clock' } }];
  const refused = await ask({ ...asked, tools: other });
  assert.equal(refused.text, called.slice(4).join(''));
  assert.equal(refused.finish_reason, 'stop');
});

test('what follows the thoughts is the answer; cut short, there is none', options, async () => {
  const { ask } = await packReciting('answers', [
    ...['<think>', 'one', ' two', '</think>', '\n\n', 'It is', ' warm', '.'],
  ]);
  const whole = await ask(asked);
  assert.deepEqual([whole.thinking, whole.text], ['one two', 'It is warm.']);
  assert.equal(whole.completion_tokens, 9);
  const cut = await ask({ ...asked, max_tokens: 2 });
  assert.deepEqual([cut.thinking, cut.text, cut.finish_reason], ['one', '', 'length']);
});

test(
  'log probabilities are the same streamed, also of what a stop text held back',
  options,
  async () => {
    await packReciting('chances', ['<think>', 'one', '</think>', 'It', ' is', ' wa', 'rm', ' now']);
    const { openai } = clients();
    // The end of the text looks like the beginning of the stop text, and is none.
    for (const stop of ['warm', 'now or never']) {
      const body = { ...asked, model: 't/chances@1', logprobs: true, stop };
      const { choices } = await openai.chat.completions.create(body);
      const whole = choices[0]?.logprobs?.content ?? [];
      const streamed: object[] = [];
      for await (const chunk of await openai.chat.completions.create({ ...body, stream: true })) {
        streamed.push(...(chunk.choices[0]?.logprobs?.content ?? []));
      }
      assert.ok(whole.length >= 6, stop);
      assert.deepEqual(streamed, whole, stop);
    }
  },
);

test('calls may come as nothing but JSON, several of them', options, async () => {
  const { ask } = await packReciting('lists', [
    ...['[', '{"name": "weather", ', '"parameters": {"city": "Rome"}}', ', '],
    ...['{"name": "weather"', ', "parameters": {"city": "Oslo"}}', ']'],
  ]);
  const { text, tool_calls, finish_reason } = await ask({ ...asked, tools });
  assert.deepEqual([text, finish_reason], ['', 'tool_calls']);
  assert.deepEqual(
    tool_calls.map(({ arguments: { city } }: Anything) => city),
    ['Rome', 'Oslo'],
  );
});

test('a character of several tokens is known by their bytes', options, async () => {
  await packReciting('bytes', ['dark ', '<0xF0>', '<0x9F>', '<0x8C>', '<0x91>', ' moon']);
  const { openai, ollama } = clients();
  const model = 't/bytes@1';
  const expected = [...Buffer.from('dark \u{1f311} moon')];
  const { choices } = await openai.chat.completions.create({
    ...{ ...asked, model, logprobs: true, top_logprobs: 1 },
  });
  assert.equal(choices[0]?.message.content, 'dark \u{1f311} moon');
  const content = choices[0]?.logprobs?.content ?? [];
  assert.deepEqual(
    content.flatMap(({ bytes }) => bytes ?? []),
    expected,
  );
  assert.deepEqual(content[1]?.bytes, [0xf0]);
  assert.deepEqual(content[1]?.top_logprobs[0]?.bytes, [0xf0]);
  const reply: Anything = await ollama.chat({ model, messages, logprobs: true } as never);
  assert.deepEqual(
    reply.logprobs.flatMap(({ bytes }: Anything) => bytes),
    expected,
  );
});

test('a model says whether it thinks and calls, and is asked for no more', options, async () => {
  await packReciting('all', ['fine']);
  await packReciting('plain', ['well'], shortTemplate.replace('tools', ''));
  const { ollama, openai } = clients();
  const able = async (model: string) => (await ollama.show({ model })).capabilities;
  assert.deepEqual(await able('t/all@1'), ['completion', 'tools', 'thinking']);
  assert.deepEqual(await able('t/plain@1'), ['completion']);
  const model = 't/plain@1';
  const refused = { status_code: 501, message: /knows no thinking/ };
  await assert.rejects(ollama.chat({ model, messages, think: true }), refused);
  const { message } = await ollama.chat({ model, messages, think: false });
  assert.equal(message.content, 'well');
  const effort = { reasoning_effort: 'low' } as const;
  const asking = openai.chat.completions.create({ ...asked, model, ...effort });
  await assert.rejects(asking, { status: 400, message: /knows no thinking/ });
});
