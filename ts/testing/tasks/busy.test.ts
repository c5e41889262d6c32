import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { limits } from '../../protocol/limits.ts';
import { registerModel } from '../daemon/models.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { makeFakePlugin } from '../fake-plugin/make.ts';
import { fakeTasks } from './place.ts';

/*
 * Guards: who does not want to wait for a model that is loading, and who comes when the queue is full, is told when to
 * come again, through each API.
 */
const watchdog = { timeout: 120_000 };
const messages = [{ role: 'user', content: 'one two' }];

/** The same request of a model in each API. */
const apis: Readonly<Record<string, (id: string) => readonly [path: string, body: object]>> = {
  models: (id) => [`/models/${id.replaceAll('/', '-')}/inference`, { input: 'one two' }],
  openai: (id) => ['/v1/chat/completions', { model: id, messages }],
  'openai, streamed': (id) => ['/v1/chat/completions', { model: id, messages, stream: true }],
  ollama: (id) => ['/api/chat', { model: id, messages }],
};

async function post(port: number, asked: readonly [string, object], prefer?: string) {
  const [path, body] = asked;
  const reply = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(prefer ? { prefer } : {}) },
    body: JSON.stringify(body),
  });
  return {
    status: reply.status,
    retry: reply.headers.get('retry-after'),
    text: await reply.text(),
  };
}

/** A daemon whose models take a while to load, each in a process of its own. */
async function slowLoads(t: TestContext, args: readonly string[] = []) {
  const place = await openPlace(t);
  await makeFakePlugin(join(place.folder, 'data/plugins/fake'), { startDelayMs: 700 });
  const daemon = await place.start({ args });
  const register = (id: string) => {
    const params = { execution_format: 'fake', isolation: 'model', load: false };
    return registerModel(place, daemon, { id, model: 'tasks', extension: 'fake', params });
  };
  return { daemon, register };
}

test(
  'a model that is loading is waited for, unless the caller says otherwise',
  watchdog,
  async (t) => {
    const { daemon, register } = await slowLoads(t);
    let count = 0;
    for (const [name, of] of Object.entries(apis)) {
      count += 1;
      const id = `f/slow${count}@1`;
      await register(id);
      for (const prefer of ['wait=0', 'respond-async', 'handling=strict, wait="0"']) {
        const early = await post(daemon.httpPort, of(id), prefer);
        assert.equal(early.status, 503, `${name}: ${early.text}`);
        assert.equal(early.retry, '1', name);
        assert.match(early.text, /is being loaded, since \d+ ms/, name);
      }
      const waited = await post(daemon.httpPort, of(id), 'wait=100');
      assert.equal(waited.status, 200, `${name}: ${waited.text}`);
      assert.equal((await post(daemon.httpPort, of(id), 'wait=0')).status, 200, name);
    }
  },
);

test('the daemon can be told not to let requests wait', watchdog, async (t) => {
  const { daemon, register } = await slowLoads(t, ['--set', 'inference.load_wait_ms=50']);
  await register('f/slow@1');
  const client = await daemon.connect();
  const ask = () => client.infer('f/slow@1', { text: 'one' });
  await assert.rejects(ask(), { code: 'MODEL_LOADING' });
  const { status, text } = await post(daemon.httpPort, ['/models/f-slow@1/load', {}], 'wait=100');
  assert.equal(status, 200, text);
  assert.equal(((await ask()).result as { text: string }).text, 'one');
});

test('a full queue is said, with when to come again', watchdog, async (t) => {
  const { daemon } = await fakeTasks(t);
  const id = 'f/tasks@1';
  const leave = new AbortController();
  const choices = 16;
  const body = JSON.stringify({
    ...{ model: id, n: choices, stream: true, max_tokens: 100_000 },
    messages: [{ role: 'user', content: 'pause=100 a' }],
  });
  const url = `http://127.0.0.1:${daemon.httpPort}/v1/chat/completions`;
  const asked = Array.from({ length: limits.tasksUnderWay / choices }, async () => {
    const reply = await fetch(url, { method: 'POST', body, signal: leave.signal });
    assert.equal(reply.status, 200);
    return reply;
  });
  // Held: an answer that nobody holds is left by the client itself.
  const held = await Promise.all(asked);
  for (const [name, of] of Object.entries(apis)) {
    const full = await post(daemon.httpPort, of(id));
    assert.equal(full.status, 429, `${name}: ${full.text}`);
    assert.equal(full.retry, '1', name);
    assert.match(full.text, /1024 tasks are under way/, name);
  }
  leave.abort();
  assert.ok(held.every(({ bodyUsed }) => !bodyUsed));
  // Who has left makes room.
  for (;;) {
    const { status } = await post(daemon.httpPort, [
      '/v1/chat/completions',
      { model: id, messages },
    ]);
    if (status === 200) break;
    assert.equal(status, 429);
  }
});
