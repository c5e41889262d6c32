import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ollama } from 'ollama';
import { fakeTasks } from './place.ts';

/*
 * Guards: the unmodified client of Ollama's API works against a real daemon: chats, texts, streams,
 * embeddings, models, errors, and leaving.
 */
const watchdog = { timeout: 120_000 };
const model = 'f/tasks@1';

async function ollama(t: Parameters<typeof fakeTasks>[0]) {
  const { daemon } = await fakeTasks(t);
  const host = `http://127.0.0.1:${daemon.httpPort}`;
  return { client: new Ollama({ host }), host, daemon };
}

const user = (content: string) => [{ role: 'user', content }];

async function refused(call: Promise<unknown>): Promise<{ message: string; status_code?: number }> {
  return call.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown as Error & { status_code?: number },
  );
}

test('chats: whole and in pieces, with what they took', watchdog, async (t) => {
  const { client } = await ollama(t);
  const messages = user('one two three');
  const whole = await client.chat({ model, messages });
  assert.deepEqual(whole.message, { role: 'assistant', content: 'one two three' });
  assert.equal(whole.model, model);
  assert.equal(whole.done_reason, 'stop');
  assert.equal(whole.prompt_eval_count, 3);
  assert.equal(whole.eval_count, 3);
  assert.ok(Date.parse(String(whole.created_at)) > 1_700_000_000_000);
  const { load_duration, prompt_eval_duration, eval_duration, total_duration } = whole;
  const parts = load_duration + prompt_eval_duration + eval_duration;
  assert.ok(Number.isInteger(total_duration) && total_duration > 0);
  assert.ok(Math.abs(parts - total_duration) < 10, `${parts} of ${total_duration}`);

  const options = { num_predict: 2, numa: true, top_k: -1, seed: -1 };
  const stream = await client.chat({ model, messages, stream: true, options });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(chunks.map(({ message }) => message.content).join(''), 'one two');
  assert.deepEqual(
    chunks.map(({ done }) => done),
    [false, false, true],
  );
  assert.equal(chunks.at(-1)?.done_reason, 'length');
  assert.equal(chunks.at(-1)?.eval_count, 2);
});

test('a stream is what comes where nothing is said', watchdog, async (t) => {
  const { host } = await ollama(t);
  const body = JSON.stringify({ model, messages: user('one two') });
  const reply = await fetch(`${host}/api/chat`, { method: 'POST', body });
  assert.equal(reply.headers.get('content-type'), 'application/x-ndjson');
  const lines = (await reply.text()).trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.equal(JSON.parse(lines[2] ?? '').done, true);
});

test('texts are written as conversations, or raw', watchdog, async (t) => {
  const { client } = await ollama(t);
  const whole = await client.generate({ model, prompt: 'a b', system: 'Be brief.' });
  assert.equal(whole.response, 'a b');
  assert.equal(whole.done_reason, 'stop');
  const raw = { model, prompt: 'a b', raw: true };
  const stream = await client.generate({ ...raw, stream: true, options: { num_predict: 3 } });
  let text = '';
  for await (const { response } of stream) text += response;
  assert.equal(text, 'a b a');

  const system = await refused(client.generate({ ...raw, system: 'Be brief.' }));
  assert.match(system.message, /^system must be left out/);
  const template = await refused(client.generate({ ...raw, template: '{{ .Prompt }}' }));
  assert.match(template.message, /^template: /);
});

test('embeddings, of both forms', watchdog, async (t) => {
  const { client } = await ollama(t);
  const { embeddings, prompt_eval_count: tokens } = await client.embed({
    ...{ model, input: ['four', 'seven77'] },
  });
  assert.deepEqual(embeddings, [
    [4, 1],
    [7, 1],
  ]);
  assert.equal(tokens, 2);
  assert.deepEqual((await client.embed({ model, input: 'four' })).embeddings, [[4, 1]]);
  assert.deepEqual((await client.embed({ model, input: '' })).embeddings, []);
  assert.deepEqual((await client.embeddings({ model, prompt: 'four' })).embedding, [4, 1]);
});

test('models: listed, loaded, shown, copied, unloaded, deleted', watchdog, async (t) => {
  const { client, host } = await ollama(t);
  const names = async () => (await client.list()).models.map(({ name }) => name);
  const ready = async () => (await client.ps()).models.map(({ name }) => name);
  const [listed] = (await client.list()).models;
  assert.equal(listed?.size, 'tasks'.length);
  assert.match(listed?.digest ?? '', /^[0-9a-f]{64}$/);
  assert.equal(listed?.details.format, 'fake');
  const shown = await client.show({ model });
  assert.deepEqual(shown.capabilities, ['completion', 'tools', 'thinking', 'insert', 'embedding']);
  assert.equal(Reflect.get(shown.model_info, 'fake.context_length'), 1_000);
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+/);

  const unloaded = await client.generate({ model, prompt: '', keep_alive: 0 });
  assert.equal(unloaded.done_reason, 'unload');
  assert.deepEqual(await ready(), []);
  const loaded = await client.chat({ model, messages: [], keep_alive: '5m' });
  assert.equal(loaded.done_reason, 'load');
  assert.deepEqual(await ready(), [model]);
  const messages = user('hi');
  assert.equal((await client.chat({ model, messages, keep_alive: '0s' })).done, true);
  assert.deepEqual(await ready(), []);

  await client.copy({ source: `${model}:latest`, destination: 'f/copy:2' });
  assert.deepEqual(await names(), ['f/copy@2', model]);
  assert.equal((await client.chat({ model: 'f/copy:2', messages })).message.content, 'hi');
  assert.equal((await client.pull({ model: 'f/copy:2' })).status, 'success');
  await client.delete({ model: 'f/copy:2' });
  assert.deepEqual(await names(), [model]);
  const gone = await refused(client.pull({ model: 'f/copy:2' }));
  assert.match(gone.message, /does not say which hub it is of/);

  const root = await fetch(host);
  assert.equal(await root.text(), 'Ollama is running');
  assert.equal((await fetch(host, { method: 'HEAD' })).status, 200);
  assert.equal((await fetch(host, { method: 'POST' })).status, 405);
});

test('a model goes when nobody asks it for so long, and comes back', watchdog, async (t) => {
  const { client, daemon } = await ollama(t);
  const running = async () => (await client.ps()).models;
  const expiry = async () => Date.parse(String((await running())[0]?.expires_at));
  const ask = (keep_alive?: string | number) =>
    client.generate({ model, prompt: 'hi', ...(keep_alive === undefined ? {} : { keep_alive }) });
  await ask();
  assert.ok((await expiry()) > Date.parse('2999-01-01'), 'nobody has said how long');
  await ask('5m');
  const [from, to] = [Date.now() + 290_000, Date.now() + 300_000];
  const at = await expiry();
  assert.ok(at > from && at <= to, new Date(at).toISOString());
  await ask();
  assert.ok((await expiry()) >= at, 'a request without a word begins the time anew');
  await ask(-1);
  assert.ok((await expiry()) > Date.parse('2999-01-01'), 'for good');

  // Longer than it is kept: a request that is under way keeps it.
  const slow = { model, prompt: 'pause=300 a b', keep_alive: '100ms' };
  assert.equal((await client.generate(slow)).response, 'a b');
  while ((await running()).length > 0) await sleep(20);
  assert.equal((await ask()).response, 'hi');
  const { body } = await daemon.http.post('/models/f-tasks@1/load', { keep_alive_ms: 60_000 });
  assert.ok(Date.parse(body.model.expires_at) > Date.now());
});

test('errors have the API’s own form, before a stream and within', watchdog, async (t) => {
  const { client, host } = await ollama(t);
  const unknown = await refused(client.chat({ model: 'f/nobody', messages: user('hi') }));
  assert.equal(unknown.status_code, 404);
  assert.match(unknown.message, /f\/nobody/);
  const options = { temperature: 'hot' as unknown as number };
  const wrong = await refused(client.chat({ model, messages: user('hi'), options }));
  assert.equal(wrong.status_code, 400);
  assert.match(wrong.message, /temperature/);
  for (const [field, value] of Object.entries({ keep_alive: 'soon', format: 'xml', think: 'no' })) {
    const bad = { model, messages: user('hi'), [field]: value };
    assert.match((await refused(client.chat(bad))).message, new RegExp(`^${field} must be`));
  }
  const early = { model, messages: user('fail'), stream: true } as const;
  assert.equal((await refused(client.chat(early))).status_code, 500);

  const stream = await client.chat({ model, messages: user('one two fail'), stream: true });
  let text = '';
  const read = async () => {
    for await (const { message } of stream) text += message.content;
  };
  assert.match((await refused(read())).message, /told/);
  assert.equal(text, 'one two');

  const nowhere = await fetch(`${host}/api/chats`, { method: 'POST', body: '{}' });
  assert.equal(nowhere.status, 404);
  const { error } = (await nowhere.json()) as { error: string };
  assert.match(error, /Did you mean "\/api\/chat"/);
});

test('who leaves a stream ends the writing', watchdog, async (t) => {
  const { client, daemon } = await ollama(t);
  const stream = await client.generate({
    ...{ model, prompt: 'pause=20 on and', stream: true },
    options: { num_predict: 100_000 },
  });
  let pieces = 0;
  const read = async () => {
    for await (const _ of stream) {
      pieces += 1;
      if (pieces === 5) client.abort();
    }
  };
  assert.match((await refused(read())).message, /abort/);
  // What is left of it would be half an hour.
  for (let tries = 0; ; tries += 1) {
    const { body } = await daemon.http.get('/stats');
    if (body.errors > 0 || JSON.stringify(body).includes('CANCELLED')) break;
    assert.ok(tries < 200, JSON.stringify(body));
    await sleep(50);
  }
});
