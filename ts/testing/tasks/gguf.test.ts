import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { codeOf } from '../daemon/models.ts';
import { tinyGguf, tinyGgufContext } from '../gguf/tiny-gguf.ts';
import { type Anything, near, type Packed, packages } from './packages.ts';

/*
 * Guards: GGUF models write and embed as llama.cpp itself does in process, for every client, several at once.
 * Where the optional package is not installed there is nothing to guard.
 */
const watchdog = { timeout: 120_000 };
const llamaCpp: Anything = await import('node-llama-cpp' as string).catch(() => null);
const mayBeMissing = process.env['MLOS_TEST_EVERYTHING'] !== '1';
const options = { ...watchdog, skip: llamaCpp === null && mayBeMissing };
const { pack, daemon } = packages();

async function writeModel(folder: string, bytes: Buffer): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'model.gguf');
  await writeFile(file, bytes);
  return file;
}

type About = Parameters<typeof tinyGguf>[0];
const packGguf = (name: string, about: About = {}): Promise<Packed & { readonly file: string }> => {
  let file = '';
  return pack(name, async (folder) => {
    file = await writeModel(folder, tinyGguf(about));
    return file;
  }).then((packed) => ({ ...packed, file }));
};

let opened: Promise<Anything> | null = null;
async function inProcess(file: string): Promise<Anything> {
  opened ??= llamaCpp.getLlama({ gpu: false, build: 'never', logLevel: 'error' });
  return (await opened).loadModel({ modelPath: file });
}

/** Greedy text by the library alone. */
async function libraryText(file: string, prompt: string, count: number): Promise<string> {
  const model = await inProcess(file);
  const context = await model.createContext({ contextSize: tinyGgufContext, threads: 1 });
  const tokens = [model.tokens.bos, ...model.tokenize(prompt)];
  const written: number[] = [];
  for await (const token of context.getSequence().evaluate(tokens, { temperature: 0 })) {
    if (written.push(token) >= count) break;
  }
  const whole: string = model.detokenize([...tokens, ...written]);
  const text = whole.slice(model.detokenize(tokens).length);
  await model.dispose();
  return text;
}

test(
  'greedy text is llama.cpp’s own, token for token, alone and beside others',
  options,
  async () => {
    const { ask, file } = await packGguf('writes');
    const prompts = [
      'the cat sat',
      'hello',
      'paris is very nice',
      'a mat',
      'mlos',
      'very',
      'in',
      'on a',
    ];
    const expected = await Promise.all(prompts.map((prompt) => libraryText(file, prompt, 40)));
    const one = await ask({ input: prompts[0], max_tokens: 40 });
    assert.equal(one.text, expected[0]);
    assert.equal(one.completion_tokens, 40);
    assert.equal(one.finish_reason, 'length');
    // More than are written at once, some twice.
    const many = await Promise.all(
      [...prompts, ...prompts].map((input) => ask({ input, max_tokens: 40 })),
    );
    assert.deepEqual(
      many.map(({ text }) => text),
      [...expected, ...expected],
    );
  },
);

test('what is asked for of a text is kept', options, async () => {
  const { ask, reply } = await packGguf('settings');
  const input = 'the cat sat';
  const greedy = (await ask({ input, max_tokens: 30 })).text as string;
  const seeded = { input, max_tokens: 30, temperature: 1.5, seed: 7 };
  const [one, two] = [await ask(seeded), await ask(seeded)];
  assert.equal(one.text, two.text);
  assert.notEqual((await ask({ ...seeded, seed: 8 })).text, one.text);
  // What llama.cpp takes for any seed is one like the others.
  const edge = { ...seeded, seed: 2 ** 32 - 1 };
  assert.equal((await ask(edge)).text, (await ask(edge)).text);
  assert.equal((await ask({ input, max_tokens: 30, temperature: 1e-300 })).text, greedy);
  assert.notEqual((await ask({ input, max_tokens: 30, frequency_penalty: 2 })).text, greedy);
  assert.notEqual((await ask({ input, max_tokens: 30, repetition_penalty: 1.5 })).text, greedy);
  const stop = greedy.slice(10, 13);
  const stopped = await ask({ input, max_tokens: 30, stop });
  assert.deepEqual([stopped.text, stopped.finish_reason], [greedy.split(stop)[0], 'stop']);
  const length = (await ask({ input, max_tokens: 0 })).prompt_tokens;
  assert.equal((await ask({ input, max_length: length + 5 })).completion_tokens, 5);
  const whole = await ask({ input, max_tokens: 5_000, min_tokens: 5_000 });
  assert.equal(whole.completion_tokens, tinyGgufContext - length);
  const long = await reply({ input: 'cat '.repeat(tinyGgufContext) });
  assert.equal(codeOf(long), '400 INVALID_VALUE');
  assert.match(long.body.message, /the model reads and writes at most 256 in all/);
  const strange = await reply({ input, logit_bias: [{ token: 99_999, bias: 1 }] });
  assert.equal(codeOf(strange), '400 INVALID_VALUE');
  assert.match(strange.body.message, /logit_bias has the token 99999/);
  assert.equal(codeOf(await reply({ input, suffix: 'x' })), '501 UNIMPLEMENTED');
  const empty = await ask({ input: '', max_tokens: 3 });
  assert.equal(empty.completion_tokens, 3);
});

test('log probabilities are those of the model, and the text is the same', options, async () => {
  const { ask, file } = await packGguf('logprobs');
  const input = 'the cat sat';
  const { text, logprobs } = await ask({ input, max_tokens: 12, top_logprobs: 3 });
  assert.equal(text, await libraryText(file, input, 12));
  assert.equal(logprobs.length, 12);
  for (const { token, logprob, top } of logprobs) {
    assert.equal(top.length, 3);
    near([logprob], [top[0].logprob]);
    assert.equal(token, top[0].token);
    assert.ok(logprob < 0 && top[1].logprob <= logprob);
  }
  const { text: typical } = await ask({ input, max_tokens: 12, typical_p: 0.5, seed: 1 });
  assert.equal(typeof typical, 'string');
});

test('an answer fits the JSON Schema that it is given', options, async () => {
  const { ask, reply } = await packGguf('json');
  const response_schema = {
    type: 'object',
    properties: {
      colour: { enum: ['red', 'green'] },
      sizes: { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 },
      maybe: { anyOf: [{ type: 'null' }, { type: 'boolean' }] },
    },
    required: ['colour'],
    additionalProperties: false,
  };
  for (const seed of [1, 2, 3]) {
    const asked = { input: 'a', max_tokens: 200, temperature: 0.8, seed, response_schema };
    const { text, finish_reason } = await ask(asked);
    assert.equal(finish_reason, 'stop', text);
    const { colour, sizes, maybe } = JSON.parse(text);
    assert.ok(['red', 'green'].includes(colour));
    assert.deepEqual(
      sizes.map((size: unknown) => typeof size),
      ['number', 'number'],
      text,
    );
    assert.ok(maybe === null || typeof maybe === 'boolean');
  }
  const refused = async (schema: object, about: RegExp) => {
    const answer = await reply({ input: 'a', response_schema: schema });
    assert.equal(codeOf(answer), '400 INVALID_VALUE');
    assert.match(answer.body.message, about);
  };
  // A list of types keeps what is said of each.
  const loose = { type: ['string', 'null'], maxLength: 2 };
  for (const seed of [1, 2, 3]) {
    const asked = { input: 'a', max_tokens: 60, temperature: 0.9, seed, response_schema: loose };
    const value = JSON.parse((await ask(asked)).text);
    assert.ok(value === null || value.length <= 2, JSON.stringify(value));
  }
  await refused({ type: 'nonsense' }, /the type "nonsense", which is none of/);
  await refused({ $ref: '#' }, /must be "#\/\$defs\/" with a name/);
  await refused({ $ref: '#/$defs/x' }, /must be "#\/\$defs\/" with a name/);
  await refused({ type: 'string', anyOf: [{ const: 1 }] }, /Of beside type/);
  await refused({ enum: [] }, /a list of some/);
  await refused({ type: 'string', enum: ['a', 1] }, /the value 1, which is no string/);
  await refused({ type: 'array', minItems: 5, maxItems: 3 }, /at least 5 and at most 3/);
  const few = { type: 'object', properties: { a: { type: 'null' } }, minProperties: 3 };
  await refused(few, /more properties than the 1/);
  await refused({ type: 'string', pattern: 'a+' }, /"pattern", which cannot be enforced/);
  const deep = { properties: { x: { minimum: 3 } } };
  await refused(deep, /response_schema\.properties\.x has "minimum"/);
});

test('a conversation is written by the template of the file', options, async () => {
  const { ask, reply, file } = await packGguf('chat');
  const messages = [{ role: 'user', content: 'hello cat' }];
  const model = await inProcess(file);
  const prompt = '<|im_start|>user hello cat<|im_end|><|im_start|>assistant';
  const { prompt_tokens } = await ask({ messages, max_tokens: 8 });
  assert.equal(prompt_tokens, 1 + model.tokenize(prompt, true).length);
  await model.dispose();
  const tools = [{ type: 'function', function: { name: 'weather' } }];
  assert.ok((await ask({ messages, max_tokens: 8, tools })).prompt_tokens > prompt_tokens);
  assert.equal(codeOf(await reply({ input: 'x', tools })), '400 INVALID_ARGUMENT');
  const image_url = { url: `data:image/png;base64,${Buffer.from('png').toString('base64')}` };
  const content = [
    { type: 'text', text: 'what is this?' },
    { type: 'image_url', image_url },
  ];
  const seen = await reply({ messages: [{ role: 'user', content }] });
  assert.equal(codeOf(seen), '501 UNIMPLEMENTED');
  assert.match(seen.body.message, /reads words only/);
  const bare = await packGguf('bare', { chat: false });
  const none = await bare.reply({ messages });
  assert.equal(codeOf(none), '501 UNIMPLEMENTED');
  assert.match(none.body.message, /no chat template/);
});

test('OpenAI’s and Ollama’s clients talk to it', options, async () => {
  await packGguf('friends');
  await packGguf('vectors', { pooling: 1 });
  const url = `http://127.0.0.1:${daemon().httpPort}`;
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: 'hello cat' }];
  const model = 't/friends@1';
  const asked = { model, messages, max_tokens: 20, temperature: 0 };
  const whole = await openai.chat.completions.create(asked);
  const text = whole.choices[0]?.message.content;
  let streamed = '';
  for await (const chunk of await openai.chat.completions.create({ ...asked, stream: true })) {
    streamed += chunk.choices[0]?.delta.content ?? '';
  }
  assert.equal(streamed, text);
  const long = { ...asked, messages: [{ role: 'user' as const, content: 'cat '.repeat(300) }] };
  const tooLong = { status: 400, code: 'context_length_exceeded' };
  await assert.rejects(openai.chat.completions.create(long), tooLong);
  const schema = { type: 'object', properties: { ok: { type: 'boolean' } } };
  const json = await openai.chat.completions.create({
    ...{ ...asked, max_tokens: 100 },
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
  });
  assert.equal(typeof JSON.parse(json.choices[0]?.message.content ?? '').ok, 'boolean');
  const vectors = await openai.embeddings.create({ model: 't/vectors@1', input: ['cat', 'mat'] });
  assert.deepEqual(
    vectors.data.map(({ embedding }) => embedding.length),
    [32, 32],
  );
  const ollama = new Ollama({ host: url });
  const said = await ollama.chat({ model, messages, options: { num_predict: 20, temperature: 0 } });
  assert.equal(said.message.content, text);
  const shown: Anything = await ollama.show({ model });
  assert.deepEqual(shown.details.families, ['llama']);
  assert.equal(shown.details.quantization_level, 'F16');
  assert.equal(shown.model_info['general.architecture'], 'llama');
  assert.equal(shown.model_info['llama.context_length'], tinyGgufContext);
  assert.match(shown.template, /<\|im_start\|>assistant/);
  const embeds: Anything = await ollama.show({ model: 't/vectors@1' });
  assert.equal(embeds.model_info['llama.embedding_length'], 32);
  assert.equal(embeds.model_info['llama.context_length'], tinyGgufContext - 2);
});

test('embeddings are llama.cpp’s own', options, async () => {
  const { ask, reply, file } = await packGguf('embeds', { pooling: 1 });
  const model = await inProcess(file);
  const context = await model.createEmbeddingContext({ contextSize: tinyGgufContext });
  const texts = ['hello cat', 'the mat in paris is very nice'];
  const found = await ask({ input: texts });
  for (const [at, text] of texts.entries()) {
    const { vector } = await context.getEmbeddingFor(text);
    const length = Math.hypot(...vector);
    near(
      found[at].embedding,
      vector.map((value: number) => value / length),
    );
  }
  await model.dispose();
  const four = (await ask({ input: 'hello', dimensions: 4 })).embedding;
  assert.equal(four.length, 4);
  near([Math.hypot(...four)], [1]);
  const long = 'cat '.repeat(1_000);
  assert.equal((await ask({ input: long })).tokens, tinyGgufContext - 2);
  const whole = await reply({ input: long, truncate: false });
  assert.equal(codeOf(whole), '400 INVALID_ARGUMENT');
  assert.equal(codeOf(await reply({ input: 'x', pooling: 'cls' })), '400 INVALID_ARGUMENT');
  assert.equal(codeOf(await reply({ input: '' })), '400 INVALID_VALUE');
});

test('a stretch that llama.cpp might not survive is refused', options, async () => {
  const { ask, reply } = await packGguf('long');
  for (const letter of ['a', ' ', '7', 'é', '~', 'a1~']) {
    const { body, status } = await reply({ input: letter.repeat(60_000), max_tokens: 1 });
    assert.equal(status, 400, letter);
    assert.match(body.message, /a stretch of more than 8192/);
  }
  // Words of any number are not a stretch.
  const many = await reply({ input: 'cat '.repeat(20_000) });
  assert.match(many.body.message, /reads and writes at most/);
  const endless = await reply({ input: 'cat '.repeat(100_000) });
  assert.equal(codeOf(endless), '413 PAYLOAD_TOO_LARGE');
  assert.equal((await ask({ input: 'hello', max_tokens: 2 })).completion_tokens, 2);
});

test('a file that is broken is refused, and costs nobody anything', options, async () => {
  const { ask, file } = await packGguf('stays');
  const whole = tinyGguf();
  const magic = Buffer.from(whole);
  magic.write('GGML', 0);
  const huge = Buffer.from(whole);
  huge.writeBigUInt64LE(2n ** 62n, 16);
  for (const [name, bytes] of Object.entries({
    cut: whole.subarray(0, whole.length - 5_000),
    head: whole.subarray(0, 100),
    magic,
    huge,
    empty: Buffer.alloc(0),
  })) {
    const path = await writeModel(join(dirname(dirname(file)), name), bytes);
    const body = { model_id: `t/${name}@1`, path };
    const { body: answer } = await daemon().http.post('/models/register', body);
    const reason = answer.code ?? answer.model?.reason ?? '';
    assert.ok(String(reason) !== '', `${name}: ${JSON.stringify(answer)}`);
    const asked = await daemon().http.post(`/models/t-${name}@1/inference`, { input: 'x' });
    assert.notEqual(asked.status, 200);
  }
  assert.equal((await ask({ input: 'hello', max_tokens: 3 })).completion_tokens, 3);
});

test('tensors are refused by name', options, async () => {
  const { reply } = await packGguf('words');
  const answer = await reply({ inputs: { x: [1, 2] } });
  assert.equal(codeOf(answer), '400 UNKNOWN_INPUT');
  assert.match(answer.body.message, /It takes no tensors/);
});

test('a plugin that is killed while it writes comes back', options, async () => {
  const { ask, reply } = await packGguf('dies');
  await ask({ input: 'hello', max_tokens: 1 });
  const { body } = await daemon().http.get('/plugins');
  const plugin = body.plugins.find(({ id }: Anything) => id.startsWith('gguf@'));
  const asked = { input: 'hello', max_tokens: 200, min_tokens: 200, top_logprobs: 20 };
  const under = Array.from({ length: 20 }, () => reply(asked));
  await sleep(50);
  process.kill(plugin.processes[0].pid, 'SIGKILL');
  const codes = (await Promise.all(under)).map(codeOf);
  assert.ok(codes.includes('503 PLUGIN_CRASHED'), codes.join());
  assert.equal((await ask({ input: 'hello', max_tokens: 3 })).completion_tokens, 3);
});
