import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeTasks } from './place.ts';

/* Guards: the generation endpoints of the Open Inference Protocol. The model is the fake plugin's. */
const watchdog = { timeout: 60_000 };

async function place(t: Parameters<typeof fakeTasks>[0]) {
  const { daemon } = await fakeTasks(t);
  const ask = (path: string, body: object, signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${daemon.httpPort}/v2/models/f/tasks${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  return { daemon, ask };
}

function eventsOf(text: string): Readonly<Record<string, unknown>>[] {
  const blocks = text.split('\n\n').filter((block) => block.startsWith('data: '));
  return blocks.map((block) => JSON.parse(block.slice('data: '.length)));
}

const names = { model_name: 'f/tasks', model_version: '1' };

test('a text is written, whole', watchdog, async (t) => {
  const { ask } = await place(t);
  const plain = await ask('/generate', { text_input: 'one two' });
  assert.equal(plain.status, 200);
  assert.deepEqual(await plain.json(), { ...names, text_output: 'one two' });
  const more = { id: '7', text_input: 'one two', parameters: { max_tokens: 1, details: true } };
  const detailed = await ask('/versions/1/generate', more);
  assert.deepEqual(await detailed.json(), {
    ...{ id: '7', ...names, text_output: 'one' },
    details: { finish_reason: 'length', logprobs: [{ text: 'one', logprob: -0.5 }] },
  });
  const beside = {
    text_input: 'params',
    temperature: 0.5,
    stop: ['x'],
    max_tokens: 1,
    stream: false,
  };
  const { text_output: said } = (await (await ask('/generate', beside)).json()) as {
    text_output: string;
  };
  assert.deepEqual(JSON.parse(said), { temperature: 0.5, stop: ['x'], max_tokens: 1 });
});

test('a text is written, in events', watchdog, async (t) => {
  const { ask } = await place(t);
  const reply = await ask('/generate_stream', { text_input: 'one two', details: true });
  assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
  const chance = (text: string) => ({ logprobs: [{ text, logprob: -0.5 }] });
  assert.deepEqual(eventsOf(await reply.text()), [
    { ...names, text_output: 'one', details: chance('one') },
    { ...names, text_output: ' two', details: chance(' two') },
    { ...names, text_output: '', details: { finish_reason: 'stop' } },
  ]);
});

test('errors are the protocol’s, before a stream and within', watchdog, async (t) => {
  const { ask } = await place(t);
  for (const path of ['/generate', '/generate_stream']) {
    for (const [body, about] of [
      [{}, /"text_input" must be a text/],
      [{ text_input: 'a', parameters: 7 }, /"parameters" must be an object/],
      [{ text_input: 'a', temperature: 'hot' }, /temperature/],
      [{ text_input: 'a', warmth: 1 }, /warmth/],
    ] as const) {
      const reply = await ask(path, body);
      assert.equal(reply.status, 400);
      assert.match(((await reply.json()) as { error: string }).error, about);
    }
  }
  const late = eventsOf(await (await ask('/generate_stream', { text_input: 'one fail' })).text());
  assert.equal(late.length, 2);
  assert.match(String(late[1]?.['error']), /told/);
});

test('who leaves ends the writing', watchdog, async (t) => {
  const { ask, daemon } = await place(t);
  const leave = new AbortController();
  const endless = { text_input: 'pause=20 a', max_tokens: 1_000_000 };
  const reply = await ask('/generate_stream', endless, leave.signal);
  await reply.body?.getReader().read();
  leave.abort();
  // It waits for what is under way.
  const { body } = await daemon.http.post('/models/f-tasks@1/unload');
  assert.equal(body.status, 'success', JSON.stringify(body));
});
