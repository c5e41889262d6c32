import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { APIError } from 'openai';
import { fakeTasks } from './place.ts';

/*
 * Guards: the unmodified client of OpenAI's API gets responses, whole and as typed events, and what would have to be
 * kept for it is refused. The model is the fake plugin's.
 */
const watchdog = { timeout: 120_000 };
const model = 'f/tasks@1';

async function openai(t: Parameters<typeof fakeTasks>[0]) {
  const { daemon } = await fakeTasks(t);
  const baseURL = `http://127.0.0.1:${daemon.httpPort}/v1`;
  return { client: new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 }), baseURL };
}

const about = {
  ...{ name: 'weather', description: 'Of a city.' },
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};
const weather = { type: 'function' as const, strict: null, ...about };

test('a response, whole: its text, and what it took', watchdog, async (t) => {
  const { client } = await openai(t);
  const whole = await client.responses.create({ model, input: 'one two three', store: true });
  assert.equal(whole.object, 'response');
  assert.equal(whole.status, 'completed');
  assert.equal(whole.output_text, 'one two three');
  assert.equal(whole.usage?.total_tokens, 6);
  assert.equal(Reflect.get(whole, 'store'), false);
  const cut = await client.responses.create({ model, input: 'one two', max_output_tokens: 1 });
  assert.equal(cut.status, 'incomplete');
  assert.deepEqual(cut.incomplete_details, { reason: 'max_output_tokens' });
  assert.equal(cut.output_text, 'one');
});

test('messages, calls and their results become those of a chat', watchdog, async (t) => {
  const { client } = await openai(t);
  const image_url = `data:image/png;base64,${Buffer.alloc(7).toString('base64')}`;
  const { output_text: said } = await client.responses.create({
    ...{ model, instructions: 'Be brief.' },
    input: [
      { role: 'developer', content: 'In English.' },
      { role: 'user', content: 'How warm is it?' },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Rome"}' },
      { type: 'function_call', call_id: 'c2', name: 'weather', arguments: '{"city":"Oslo"}' },
      { type: 'function_call_output', call_id: 'c1', output: '30' },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'messages' },
          { type: 'input_image', image_url, detail: 'auto' },
        ],
      },
    ],
  });
  const call = (id: string, city: string) => ({
    ...{ id, type: 'function', function: { name: 'weather', arguments: { city } } },
  });
  assert.deepEqual(JSON.parse(said), [
    { role: 'system', content: 'Be brief.' },
    { role: 'system', content: 'In English.' },
    { role: 'user', content: 'How warm is it?' },
    { role: 'assistant', content: '', tool_calls: [call('c1', 'Rome'), call('c2', 'Oslo')] },
    { role: 'tool', content: '30', tool_call_id: 'c1' },
    { role: 'user', content: 'messages', images: [7] },
  ]);
});

test('parameters reach the model by the names of its task', watchdog, async (t) => {
  const { client } = await openai(t);
  const schema = { type: 'object', properties: { a: { type: 'number' } } };
  const { output_text: said } = await client.responses.create({
    ...{ model, input: 'params', temperature: 0.5, top_p: 0.9, max_output_tokens: 1 },
    ...{ tools: [weather], reasoning: { effort: 'none' } },
    text: { format: { type: 'json_schema', name: 'a', schema } },
  });
  assert.deepEqual(JSON.parse(said), {
    ...{ max_tokens: 1, temperature: 0.5, top_p: 0.9, response_schema: schema, think: false },
    tools: [{ type: 'function', function: about }],
  });
});

test('events, typed and in order, make the response', watchdog, async (t) => {
  const { client, baseURL } = await openai(t);
  const input = 'think=hm one two call=weather';
  const asked = { model, input, tools: [weather] };
  const stream = await client.responses.create({ ...asked, stream: true });
  const events = [];
  for await (const event of stream) events.push(event);
  assert.deepEqual(
    events.map(({ sequence_number: number }) => number),
    events.map((_, index) => index),
  );
  const item = (kind: string, delta: string, count: number) => [
    'output_item.added',
    'content_part.added',
    ...Array.from({ length: count }, () => delta),
    `${kind}.done`,
    'content_part.done',
    'output_item.done',
  ];
  assert.deepEqual(
    events.map(({ type }) => type.replace('response.', '')),
    [
      ...['created', 'in_progress'],
      ...item('reasoning_text', 'reasoning_text.delta', 1),
      ...item('output_text', 'output_text.delta', 2),
      'output_item.added',
      ...['function_call_arguments.delta', 'function_call_arguments.done', 'output_item.done'],
      'completed',
    ],
  );
  const last = events.at(-1);
  assert.ok(last?.type === 'response.completed');
  assert.deepEqual(
    last.response.output.map(({ type }) => type),
    ['reasoning', 'message', 'function_call'],
  );
  // The client's own reading of the stream comes to the same.
  const read = await client.responses.stream(asked).finalResponse();
  assert.equal(read.output_text, 'one two');
  const call = read.output.find((one) => one.type === 'function_call');
  assert.deepEqual([call?.name, call?.arguments], ['weather', '{"city":"Rome"}']);

  const body = JSON.stringify({ ...asked, stream: true });
  const raw = await (await fetch(`${baseURL}/responses`, { method: 'POST', body })).text();
  assert.match(raw, /^event: response\.created\ndata: \{/);
  assert.doesNotMatch(raw, /\[DONE\]/);
});

test('what goes wrong later is the last event', watchdog, async (t) => {
  const { client } = await openai(t);
  const stream = await client.responses.create({ model, input: 'one fail', stream: true });
  const events = [];
  for await (const event of stream) events.push(event);
  const last = events.at(-1);
  assert.ok(last?.type === 'response.failed', last?.type);
  assert.match(last.response.error?.message ?? '', /told/);
});

test('what would have to be kept is refused by name', watchdog, async (t) => {
  const { client } = await openai(t);
  const wrong: readonly (readonly [string, object])[] = [
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['conversation', { conversation: 'conv_1' }],
    ['background', { background: true }],
    ['truncation', { truncation: 'auto' }],
    ['tools[0]', { tools: [{ type: 'web_search' }] }],
    ['tool_choice', { tool_choice: { type: 'web_search' } }],
    ['input[0]', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    ['text.format', { text: { format: { type: 'xml' } } }],
    ['input', { input: 7 }],
  ];
  for (const [param, more] of wrong) {
    const asked = { model, input: 'hi', ...more } as never;
    const error = await client.responses.create(asked).then(
      () => assert.fail(`${param} was not refused`),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof APIError, String(error));
    assert.deepEqual([error.status, error.param], [400, param]);
  }
});
