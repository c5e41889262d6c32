import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { APIError } from 'openai';
import { fakeTasks } from './place.ts';

/*
 * Guards: the unmodified client of OpenAI's API works against a real daemon: chats, streams, embeddings,
 * models, errors, and leaving.
 */
const watchdog = { timeout: 120_000 };
const model = 'f/tasks@1';

async function openai(t: Parameters<typeof fakeTasks>[0]) {
  const { daemon } = await fakeTasks(t);
  const baseURL = `http://127.0.0.1:${daemon.httpPort}/v1`;
  const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
  return { client, baseURL, daemon };
}

const user = (content: string) => [{ role: 'user', content }] as const;

async function refused(call: Promise<unknown>): Promise<APIError> {
  const error = await call.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof APIError, String(error));
  return error;
}

test('chats: whole, in pieces, several at once', watchdog, async (t) => {
  const { client } = await openai(t);
  const messages = [...user('one two three')];
  const whole = await client.chat.completions.create({ model, messages });
  assert.equal(whole.object, 'chat.completion');
  assert.equal(whole.choices[0]?.message.content, 'one two three');
  assert.equal(whole.choices[0]?.finish_reason, 'stop');
  assert.deepEqual(whole.usage, { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 });

  const stream = await client.chat.completions.create({
    ...{ model, messages, stream: true, stream_options: { include_usage: true } },
    max_completion_tokens: 2,
  });
  const texts: string[] = [];
  const ends: (string | null)[] = [];
  let usage: unknown = null;
  for await (const chunk of stream) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    texts.push(chunk.choices[0]?.delta.content ?? '');
    if (chunk.choices[0]?.finish_reason) ends.push(chunk.choices[0].finish_reason);
    usage = chunk.usage ?? usage;
  }
  assert.equal(texts.join(''), 'one two');
  assert.ok(texts.filter((text) => text !== '').length >= 2, 'it came in pieces');
  assert.deepEqual(ends, ['length']);
  assert.deepEqual(usage, { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 });

  const several = await client.chat.completions.create({ model, messages, n: 3 });
  assert.deepEqual(
    several.choices.map(({ index, message }) => [index, message.content]),
    [0, 1, 2].map((index) => [index, 'one two three']),
  );
  assert.equal(several.usage?.completion_tokens, 9);
});

test('completions: of one prompt or more, with the prompt where asked', watchdog, async (t) => {
  const { client } = await openai(t);
  const two = await client.completions.create({ model, prompt: ['a b', 'c'], max_tokens: 2 });
  assert.deepEqual(
    two.choices.map(({ text }) => text),
    ['a b', 'c c'],
  );
  const echoed = await client.completions.create({ model, prompt: 'a b', echo: true });
  assert.ok(echoed.choices[0]?.text.startsWith('a b'));
  const stream = await client.completions.create({
    ...{ model, prompt: 'a b', max_tokens: 3, stream: true },
  });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
  assert.equal(text, 'a b a');
});

test('embeddings come as numbers and as bytes, and are the same', watchdog, async (t) => {
  const { client, baseURL } = await openai(t);
  const input = ['four', 'seven77'];
  // What the client asks for by itself is base64.
  const { data, usage } = await client.embeddings.create({ model, input });
  assert.deepEqual(
    data.map(({ embedding }) => [...embedding]),
    [
      [4, 1],
      [7, 1],
    ],
  );
  assert.equal(usage.prompt_tokens, 2);
  const reply = await fetch(`${baseURL}/embeddings`, {
    method: 'POST',
    body: JSON.stringify({ model, input: 'four' }),
  });
  const plain = (await reply.json()) as { data: { embedding: unknown }[] };
  assert.deepEqual(plain.data[0]?.embedding, [4, 1]);
});

test('models are listed and found by their ids', watchdog, async (t) => {
  const { client } = await openai(t);
  const ids: string[] = [];
  for await (const { id } of client.models.list()) ids.push(id);
  assert.deepEqual(ids, [model]);
  const found = await client.models.retrieve(model);
  assert.equal(found.object, 'model');
  assert.ok(found.created > 1_700_000_000);
});

test('errors have the API’s own form, before a stream and within', watchdog, async (t) => {
  const { client, baseURL } = await openai(t);
  const create = (body: object) => refused(client.chat.completions.create(body as never));
  const unknown = await create({ model: 'f/nobody@1', messages: [...user('hi')] });
  assert.equal(unknown.status, 404);
  assert.equal(unknown.code, 'model_not_found');
  const wrong = await create({ model, messages: [...user('hi')], temperature: 'hot' });
  assert.equal(wrong.status, 400);
  assert.equal(wrong.type, 'invalid_request_error');
  assert.match(wrong.message, /temperature/);
  assert.equal((await create({ messages: [...user('hi')] })).param, 'model');
  const failing = await create({ model, messages: [...user('fail')], stream: true });
  assert.equal(failing.status, 500);

  const stream = await client.chat.completions.create({
    ...{ model, messages: [...user('one two fail')], stream: true },
  });
  const texts: string[] = [];
  const read = async () => {
    for await (const chunk of stream) texts.push(chunk.choices[0]?.delta.content ?? '');
  };
  const late = await refused(read());
  assert.equal(texts.join(''), 'one two');
  assert.match(late.message, /told/);

  const nowhere = await fetch(`${baseURL}/chat/completion`, { method: 'POST', body: '{}' });
  assert.equal(nowhere.status, 404);
  const { error } = (await nowhere.json()) as { error: { message: string } };
  assert.match(error.message, /Did you mean "\/v1\/chat\/completions"/);
});

test('when one of several texts fails, the others end', watchdog, async (t) => {
  const { client, daemon } = await openai(t);
  // The second one's seed is 6; the others would take for hours.
  const content = 'pause=20 fail-seed=6 a';
  const many = { n: 3, seed: 5, max_tokens: 1_000_000 };
  const nothingIsLeft = async () => {
    // It waits for what is under way.
    const { body } = await daemon.http.post('/models/f-tasks@1/unload');
    assert.equal(body.status, 'success', JSON.stringify(body));
  };
  const chat = { model, messages: [...user(content)], ...many };
  assert.match((await refused(client.chat.completions.create(chat))).message, /told/);
  await nothingIsLeft();
  const text = { model, prompt: content, ...many };
  assert.match((await refused(client.completions.create(text))).message, /told/);
  await nothingIsLeft();

  const stream = await client.chat.completions.create({ ...chat, stream: true });
  const begun = new Set<number>();
  const read = async () => {
    for await (const { choices } of stream) {
      for (const { index, delta } of choices) if (delta.content) begun.add(index);
    }
  };
  assert.match((await refused(read())).message, /told/);
  assert.deepEqual([...begun].sort(), [0, 1, 2]);
  await nothingIsLeft();
  const first = { ...chat, messages: [...user('fail')], stream: true as const };
  assert.equal((await refused(client.chat.completions.create(first))).status, 500);
  await nothingIsLeft();
});

test('who leaves several texts ends them all, and the daemon stays', watchdog, async (t) => {
  const { client, daemon } = await openai(t);
  const messages = [...user('pause=5 a')];
  const many = { model, messages, n: 16, stream: true, max_tokens: 1_000_000 } as const;
  for (let turn = 0; turn < 3; turn += 1) {
    const stream = await client.chat.completions.create(many);
    let pieces = 0;
    for await (const _ of stream) {
      pieces += 1;
      if (pieces === 40) break;
    }
    const { body } = await daemon.http.post('/models/f-tasks@1/unload');
    assert.equal(body.status, 'success', JSON.stringify(body));
  }
});

test('who leaves a stream ends the writing', watchdog, async (t) => {
  const { client, daemon } = await openai(t);
  const stream = await client.chat.completions.create({
    ...{ model, messages: [...user('pause=20 on and')], stream: true, max_tokens: 100_000 },
  });
  let pieces = 0;
  for await (const _ of stream) {
    pieces += 1;
    if (pieces === 5) break;
  }
  // What is left of it would be half an hour; a daemon that stops waits for what it has accepted.
  for (let tries = 0; ; tries += 1) {
    const { body } = await daemon.http.get('/stats');
    if (body.errors > 0 || JSON.stringify(body).includes('CANCELLED')) break;
    assert.ok(tries < 200, JSON.stringify(body));
    await sleep(50);
  }
});
