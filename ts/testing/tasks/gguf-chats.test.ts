import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { recitingGguf } from '../gguf/reciting-gguf.ts';
import { type Anything, packages } from './packages.ts';

/*
 * Guards: what a conversation's client asks for is kept, for a real model whose reply is known. Where the optional
 * package is not installed there is nothing to guard.
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
const messages = [{ role: 'user' as const, content: 'hi' }];
const asked = { messages, temperature: 0, max_tokens: 40 };

function clients() {
  const url = `http://127.0.0.1:${daemon().httpPort}`;
  return {
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 }),
    ollama: new Ollama({ host: url }),
  };
}

test('a call that has to be made is made, whatever the model would say', options, async () => {
  const { ask } = await packReciting('forced', ['nothing', ' of', ' that'], shortTemplate);
  const { openai } = clients();
  const tool = (name: string, city: string) => {
    const properties = { city: { enum: [city] }, days: { $ref: `#/$defs/${name}` } };
    const $defs = { [name]: { enum: [1, 2] } };
    return {
      type: 'function',
      function: { name, parameters: { type: 'object', properties, $defs } },
    };
  };
  const body = { ...asked, max_tokens: 200, tools: [tool('rain', 'Rome'), tool('sun', 'Oslo')] };
  const calls = async (tool_choice: unknown): Promise<Anything[]> => {
    const request = { ...body, model: 't/forced@1', tool_choice } as never;
    const { choices }: Anything = await openai.chat.completions.create(request);
    return (choices[0].message.tool_calls ?? []).map(({ function: called }: Anything) => {
      return { ...JSON.parse(called.arguments), name: called.name };
    });
  };
  const [any] = await calls('required');
  assert.equal(any.city, any.name === 'rain' ? 'Rome' : 'Oslo');
  assert.ok([1, 2].includes(any.days));
  const [sun] = await calls({ type: 'function', function: { name: 'sun' } });
  assert.deepEqual([sun.name, sun.city], ['sun', 'Oslo']);
  assert.deepEqual([await calls('auto'), await calls('none')], [[], []]);
  const wind = { type: 'function', function: { name: 'wind' } };
  for (const tool_choice of ['sun', wind, { type: 'function' }, { type: 'web_search' }])
    await assert.rejects(calls(tool_choice), { status: 400, message: /tool_choice/ });
  const own = await ask({ ...body, tool_choice: 'required' });
  assert.equal(own.tool_calls.length, 1);
});

test(
  'an answer that has to fit a schema is the answer, also of a model that thinks first',
  options,
  async () => {
    const begun = "{{ messages[0].content + '<|im_start|><think>\n' }}";
    await packReciting('thinker', ['hm', ' yes'], begun);
    const { openai, ollama } = clients();
    const model = 't/thinker@1';
    const schema = { type: 'object', properties: { a: { enum: [1, 2] } }, required: ['a'] };
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'a', schema } };
    const { choices } = await openai.chat.completions.create({ ...asked, model, response_format });
    assert.ok([1, 2].includes(JSON.parse(choices[0]?.message.content ?? '').a));
    const { message } = await ollama.chat({ model, messages, format: schema });
    assert.deepEqual([JSON.parse(message.content).a > 0, message.thinking], [true, undefined]);
    const strange = { ...schema, required: ['a', 'b'] };
    const refused = ollama.chat({ model, messages, format: strange });
    await assert.rejects(refused, /requires "b", which is none of its properties/);
  },
);

test(
  'a reply ends where the model ends it, if nobody says how long it may be',
  options,
  async () => {
    const words = Array.from({ length: 300 }, (_, index) => ` w${index}`);
    await packReciting('long', words, shortTemplate);
    const { openai, ollama } = clients();
    const model = 't/long@1';
    const { choices } = await openai.chat.completions.create({ messages, model });
    assert.deepEqual(
      [choices[0]?.finish_reason, choices[0]?.message.content],
      ['stop', words.join('')],
    );
    for (const options of [{}, { num_predict: -1 }]) {
      const prompt = '<|im_start|>';
      const told: Anything = await ollama.generate({ model, prompt, raw: true, options });
      assert.deepEqual([told.done_reason, told.response], ['stop', words.join('')]);
    }
  },
);

test('a call goes back as it came, with its result', options, async () => {
  await packReciting('loop', ['well']);
  const { openai } = clients();
  const call = { name: 'weather', arguments: '{"city": "Rome"}' };
  const { choices } = await openai.chat.completions.create({
    ...{ model: 't/loop@1', max_tokens: 5 },
    messages: [
      ...messages,
      {
        ...{ role: 'assistant', content: null },
        tool_calls: [{ id: 'c1', type: 'function', function: call }],
      },
      { role: 'tool', tool_call_id: 'c1', content: '20' },
    ],
  });
  assert.equal(choices[0]?.message.content, 'well');
});

test(
  'places of tokens in a text are the same streamed, behind the prompt that is told too',
  options,
  async () => {
    await packReciting('places', ['one', ' two', ' three'], shortTemplate);
    const { openai } = clients();
    const body = {
      model: 't/places@1',
      prompt: '<|im_start|>',
      max_tokens: 3,
      logprobs: 1,
      temperature: 0,
    };
    for (const echo of [false, true]) {
      const whole = await openai.completions.create({ ...body, echo }).catch(() => null);
      if (whole === null) continue;
      const offsets: number[] = [];
      for await (const { choices } of await openai.completions.create({
        ...body,
        echo,
        stream: true,
      }))
        offsets.push(...(choices[0]?.logprobs?.text_offset ?? []));
      assert.deepEqual(offsets, whole.choices[0]?.logprobs?.text_offset);
    }
  },
);
