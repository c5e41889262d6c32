import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import type { ChatCompletionMessageParam } from 'openai/resources';
import { fakeTasks } from './place.ts';

/*
 * Guards: what a chat of OpenAI's API carries beside words (tools, pictures, schemas, thoughts, log probabilities)
 * reaches the model by the names of its task, and comes back in the API's form, whole and streamed.
 */
const watchdog = { timeout: 120_000 };
const model = 'f/tasks@1';

async function openai(t: Parameters<typeof fakeTasks>[0]) {
  const { daemon } = await fakeTasks(t);
  const baseURL = `http://127.0.0.1:${daemon.httpPort}/v1`;
  return new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
}

const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const weather = { type: 'function' as const, function: { name: 'weather', parameters } };
const user = (content: string): ChatCompletionMessageParam => ({ role: 'user', content });

test('parameters reach the model', watchdog, async (t) => {
  const client = await openai(t);
  const schema = { type: 'object', properties: { a: { type: 'number' } } };
  const said = async (more: object): Promise<unknown> => {
    const whole = await client.chat.completions.create({
      ...{ model, messages: [user('params')], max_tokens: 1, ...more },
    });
    return JSON.parse(whole.choices[0]?.message.content ?? '');
  };
  assert.deepEqual(
    await said({
      ...{ tools: [weather], temperature: 0.5, top_p: 0.9, seed: 7, stop: ['x'] },
      ...{ frequency_penalty: 0.1, presence_penalty: 0.2, logit_bias: { 17: -100 } },
      ...{ response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } },
      ...{ reasoning_effort: 'low', user: 'someone', store: true },
    }),
    {
      ...{ tools: [weather], temperature: 0.5, top_p: 0.9, seed: 7, stop: ['x'], max_tokens: 1 },
      ...{ frequency_penalty: 0.1, presence_penalty: 0.2, logit_bias: [{ token: 17, bias: -100 }] },
      ...{ response_schema: schema, think: true },
    },
  );
  const json = { response_format: { type: 'json_object' }, tools: [weather], tool_choice: 'none' };
  assert.deepEqual(await said(json), { max_tokens: 1, response_schema: {} });
});

test('a conversation with calls and pictures reaches the model', watchdog, async (t) => {
  const client = await openai(t);
  const url = `data:image/png;base64,${Buffer.alloc(7).toString('base64')}`;
  const call = {
    id: 'c1',
    ...weather,
    function: { name: 'weather', arguments: '{"city":"Rome"}' },
  };
  const whole = await client.chat.completions.create({
    model,
    messages: [
      { role: 'system', content: 'Be brief.' },
      user('How warm?'),
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: '30' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'messages' },
          { type: 'image_url', image_url: { url } },
        ],
      },
    ],
  });
  const read = { ...call, function: { name: 'weather', arguments: { city: 'Rome' } } };
  assert.deepEqual(JSON.parse(whole.choices[0]?.message.content ?? ''), [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'How warm?' },
    { role: 'assistant', content: '', tool_calls: [read] },
    { role: 'tool', content: '30', tool_call_id: 'c1' },
    { role: 'user', content: 'messages', images: [7] },
  ]);
});

const asked = {
  ...{ model, tools: [weather], logprobs: true, top_logprobs: 1 },
  messages: [user('think=hm one two call=weather call=time')],
};
const chance = (token: string) => ({ token, logprob: -0.5, bytes: [...Buffer.from(token)] });
const chances = ['one', ' two'].map((token) => ({
  ...chance(token),
  top_logprobs: [chance(token)],
}));

test('calls, thoughts and log probabilities come back, whole', watchdog, async (t) => {
  const client = await openai(t);
  const { choices } = await client.chat.completions.create(asked);
  const [choice] = choices;
  assert.equal(choice?.finish_reason, 'tool_calls');
  assert.equal(choice?.message.content, 'one two');
  assert.equal(Reflect.get(choice?.message ?? {}, 'reasoning_content'), 'hm');
  const calls = choice?.message.tool_calls ?? [];
  assert.deepEqual(
    calls.map((call) => call.type === 'function' && call.function),
    ['weather', 'time'].map((name) => ({ name, arguments: '{"city":"Rome"}' })),
  );
  assert.equal(new Set(calls.map(({ id }) => id)).size, 2);
  assert.deepEqual(choice?.logprobs?.content, chances);
});

test('calls, thoughts and log probabilities come back, streamed', watchdog, async (t) => {
  const client = await openai(t);
  const stream = await client.chat.completions.create({ ...asked, stream: true });
  const deltas = [];
  const found = [];
  for await (const { choices } of stream) {
    deltas.push(...choices.map(({ delta }) => delta));
    found.push(...choices.flatMap(({ logprobs }) => logprobs?.content ?? []));
  }
  const thoughts = deltas.map((delta) => Reflect.get(delta, 'reasoning_content') ?? '');
  assert.equal(thoughts.join(''), 'hm');
  assert.equal(deltas.map(({ content }) => content ?? '').join(''), 'one two');
  assert.deepEqual(found, chances);
  // The client's own reading of the stream puts the calls together.
  const read = await client.chat.completions.stream(asked).finalChatCompletion();
  assert.equal(read.choices[0]?.finish_reason, 'tool_calls');
  assert.deepEqual(
    read.choices[0]?.message.tool_calls?.map(({ function: called }) => called.name),
    ['weather', 'time'],
  );
});

/** What is wrong with a field, as the API tells it. */
async function refusalOf(client: OpenAI, path: string, body: object) {
  const error = await client.post(path, { body: { model, ...body } }).then(
    () => assert.fail(`${JSON.stringify(body)} was not refused`),
    (thrown: unknown) => thrown as InstanceType<typeof OpenAI.APIError>,
  );
  assert.equal(error.status, 400, JSON.stringify(body));
  return error.param;
}

test('a value that cannot be used is refused, and the field is named', watchdog, async (t) => {
  const client = await openai(t);
  const wrong: readonly (readonly [string, object, string])[] = [
    ['/chat/completions', { stream: 'true' }, 'stream'],
    ['/chat/completions', { stream: 1 }, 'stream'],
    ['/chat/completions', { logprobs: 5 }, 'logprobs'],
    ['/chat/completions', { stream_options: 5 }, 'stream_options'],
    [
      '/chat/completions',
      { stream: true, stream_options: { include_usage: 'no' } },
      'stream_options.include_usage',
    ],
    ['/chat/completions', { max_tokens: -1 }, 'max_tokens'],
    ['/chat/completions', { temperature: 'hot' }, 'temperature'],
    ['/chat/completions', { seed: 1.5 }, 'seed'],
    ['/completions', { logprobs: true }, 'logprobs'],
    ['/completions', { echo: 'yes' }, 'echo'],
    ['/completions', { stream: 'no' }, 'stream'],
    ['/responses', { reasoning: 'x' }, 'reasoning'],
    ['/responses', { text: 'x' }, 'text'],
    ['/responses', { stream: 'true' }, 'stream'],
  ];
  const asked = (path: string) =>
    path === '/completions' ? { prompt: 'hi' } : { messages: [user('hi')], input: 'hi' };
  for (const [path, body, param] of wrong) {
    assert.equal(await refusalOf(client, path, { ...asked(path), ...body }), param, path);
  }
});

test('any whole number is a seed', watchdog, async (t) => {
  const client = await openai(t);
  const seeds = async (seed: number) => {
    const body = { model, messages: [user('params')], max_tokens: 1, seed, n: 2 };
    const { choices } = await client.chat.completions.create(body);
    return choices.map(({ message }) => JSON.parse(message.content ?? '').seed as number);
  };
  const [one, two] = await seeds(-5);
  assert.ok(Number.isSafeInteger(one) && (one as number) >= 0);
  assert.notEqual(one, two);
  assert.deepEqual(await seeds(-5), [one, two]);
  assert.notEqual((await seeds(-6))[0], one);
  for (const far of [2 ** 63, Number.MAX_SAFE_INTEGER, -(2 ** 63)]) await seeds(far);
});
