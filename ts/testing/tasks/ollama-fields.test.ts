import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChatResponse, Ollama } from 'ollama';
import { fakeTasks } from './place.ts';

/*
 * Guards: what a request of Ollama's API carries beside words (tools, pictures, schemas, thoughts, log probabilities)
 * reaches the model by the names of its task, and comes back in the API's form, whole and streamed.
 */
const watchdog = { timeout: 120_000 };
const model = 'f/tasks@1';

async function ollama(t: Parameters<typeof fakeTasks>[0]) {
  const { daemon } = await fakeTasks(t);
  return new Ollama({ host: `http://127.0.0.1:${daemon.httpPort}` });
}

const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const weather = { type: 'function', function: { name: 'weather', description: '', parameters } };
const picture = Buffer.alloc(7).toString('base64');

test('options and the rest reach the model', watchdog, async (t) => {
  const client = await ollama(t);
  const schema = { type: 'object', properties: { a: { type: 'number' } } };
  const options = { num_predict: 1, num_ctx: 100, repeat_penalty: 1.5, top_k: 5, seed: 7 };
  const own = { max_tokens: 1, context_length: 100, repetition_penalty: 1.5, top_k: 5, seed: 7 };
  const messages = [{ role: 'user', content: 'params' }];
  const chat = await client.chat({
    ...{ model, messages, options, tools: [weather], format: schema, think: false },
  });
  assert.deepEqual(JSON.parse(chat.message.content ?? ''), {
    ...{ ...own, tools: [weather], response_schema: schema, think: false },
  });
  const text = await client.generate({
    ...{ model, prompt: 'params', options, format: 'json', think: 'high', raw: true },
  });
  assert.deepEqual(JSON.parse(text.response ?? ''), {
    ...{ ...own, response_schema: {}, think: true, raw: true },
  });
});

test('a conversation with calls and pictures reaches the model', watchdog, async (t) => {
  const client = await ollama(t);
  const call = { function: { name: 'weather', arguments: { city: 'Rome' } } };
  const { message } = await client.chat({
    model,
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'assistant', content: '', tool_calls: [call] },
      { role: 'tool', tool_name: 'weather', content: '30' },
      { role: 'user', content: 'messages', images: [picture] },
    ],
  });
  assert.deepEqual(JSON.parse(message.content ?? ''), [
    { role: 'system', content: 'Be brief.' },
    { role: 'assistant', content: '', tool_calls: [call] },
    { role: 'tool', content: '30', name: 'weather' },
    { role: 'user', content: 'messages', images: [7] },
  ]);
  const about = { model, prompt: 'messages', system: 'Be brief.', images: [picture] };
  const { response } = await client.generate(about);
  assert.deepEqual(JSON.parse(response ?? ''), [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'messages', images: [7] },
  ]);
});

const asked = {
  ...{ model, tools: [weather], logprobs: true, top_logprobs: 1 },
  messages: [{ role: 'user', content: 'think=hm one two call=weather call=time' }],
};
const calls = ['weather', 'time'].map((name, index) => ({
  function: { index, name, arguments: { city: 'Rome' } },
}));

function tokensOf(answer: ChatResponse): string[] {
  const list = (Reflect.get(answer, 'logprobs') ?? []) as { token: string; logprob: number }[];
  assert.ok(list.every(({ logprob }) => logprob === -0.5));
  return list.map(({ token }) => token);
}

test('calls, thoughts and log probabilities come back, whole', watchdog, async (t) => {
  const client = await ollama(t);
  const whole = await client.chat(asked);
  assert.equal(whole.message.content, 'one two');
  assert.equal(whole.message.thinking, 'hm');
  assert.deepEqual(whole.message.tool_calls, calls);
  assert.equal(whole.done_reason, 'stop');
  assert.deepEqual(tokensOf(whole), ['one', ' two']);
  const text = await client.generate({ model, prompt: 'think=hm one', think: true });
  assert.deepEqual([text.thinking, text.response], ['hm', 'one']);
});

test('calls, thoughts and log probabilities come back, streamed', watchdog, async (t) => {
  const client = await ollama(t);
  const parts = [];
  for await (const part of await client.chat({ ...asked, stream: true })) parts.push(part);
  assert.equal(parts.map(({ message }) => message.thinking ?? '').join(''), 'hm');
  assert.equal(parts.map(({ message }) => message.content).join(''), 'one two');
  assert.deepEqual(
    parts.flatMap(({ message }) => message.tool_calls ?? []),
    calls,
  );
  assert.deepEqual(parts.flatMap(tokensOf), ['one', ' two']);
  assert.deepEqual(
    parts.map(({ done }) => done),
    [...parts.slice(1).map(() => false), true],
  );
});

test('a value that cannot be used is refused, and the field is named', watchdog, async (t) => {
  const { daemon } = await fakeTasks(t);
  const wrong: readonly (readonly [string, object, RegExp])[] = [
    ['/api/chat', { stream: 'no' }, /^stream must be true or false/],
    ['/api/chat', { stream: 0, messages: [] }, /^stream must be true or false/],
    ['/api/chat', { logprobs: 1 }, /^logprobs must be true or false/],
    ['/api/chat', { tools: [{ bogus: 1 }] }, /^tools must be a list of/],
    ['/api/chat', { options: [] }, /^options must be an object/],
    ['/api/generate', { raw: 'yes' }, /^raw must be true or false/],
    ['/api/pull', { stream: 'no' }, /^stream must be true or false/],
  ];
  const messages = [{ role: 'user', content: 'hi' }];
  for (const [path, body, message] of wrong) {
    const asked = { model, messages, prompt: 'hi', ...body };
    const { status, body: answer } = await daemon.http.post(path, asked);
    assert.equal(status, 400, path);
    assert.match(answer.error, message);
  }
});
