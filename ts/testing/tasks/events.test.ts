import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GenerationEvent } from '../../client/client.ts';
import { GrpcCaller } from '../conformance/grpc-caller.ts';
import { fakeTasks } from './place.ts';

/*
 * Guards: what a task says before its answer reaches who asked to hear it, over HTTP, gRPC and the socket, and a
 * client that leaves ends the task. The model is the fake plugin's.
 */
const watchdog = { timeout: 60_000 };

interface SentEvent {
  readonly event: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests read events of every kind.
  readonly data: any;
}

function eventsOf(text: string): SentEvent[] {
  const blocks = text.split('\n\n').filter((block) => block !== '' && !block.startsWith(':'));
  return blocks.map((block) => {
    const fields = new Map(
      block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]),
    );
    return { event: fields.get('event'), data: JSON.parse(fields.get('data') ?? '') };
  });
}

function ask(url: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

for (const adapter of ['uwebsockets', 'node']) {
  const set = ['--set', `api.http.adapter=${adapter}`];

  test(`${adapter}: an event for each piece, then the whole answer`, watchdog, async (t) => {
    const { url, ask: askWhole } = await fakeTasks(t, '', set);
    const reply = await ask(url, { input: 'one two three' });
    assert.equal(reply.status, 200);
    assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
    const events = eventsOf(await reply.text());
    assert.deepEqual(
      events.map(({ event }) => event),
      ['text', 'text', 'text', 'result'],
    );
    assert.deepEqual(events[1]?.data, { text: ' two', tokens: 1 });
    const whole = (await askWhole({ input: 'one two three' })).body;
    const last = events.at(-1)?.data;
    assert.deepEqual(last.result, whole.result);
    assert.deepEqual(Object.keys(last).sort(), Object.keys(whole).sort());

    const quiet = await ask(url, { task: 'feature-extraction', input: 'four' });
    const [only, ...more] = eventsOf(await quiet.text());
    assert.equal(only?.event, 'result');
    assert.deepEqual(only?.data.result, { embedding: [4, 1], tokens: 1 });
    assert.equal(more.length, 0);
  });

  test(`${adapter}: a client that leaves ends the task`, watchdog, async (t) => {
    const { url, daemon } = await fakeTasks(t, '', set);
    const controller = new AbortController();
    const reply = await ask(
      url,
      { input: 'a pause=100 b', max_tokens: 1_000_000 },
      controller.signal,
    );
    const reader = reply.body?.getReader();
    await reader?.read();
    controller.abort();
    await waitsForNothing(() => daemon.http.post('/models/f-tasks@1/unload'));
  });
}

test(
  'an error before the first event has its status, a later one is an event',
  watchdog,
  async (t) => {
    const { url } = await fakeTasks(t);
    for (const body of [{ input: 7 }, { input: 'fail' }, { task: 'fill-mask', input: 'x' }]) {
      const reply = await ask(url, body);
      assert.notEqual(reply.status, 200, JSON.stringify(body));
      assert.match(reply.headers.get('content-type') ?? '', /^application\/json/);
      assert.equal(((await reply.json()) as { status: string }).status, 'error');
    }
    const events = eventsOf(await (await ask(url, { input: 'well fail' })).text());
    assert.deepEqual(
      events.map(({ event }) => event),
      ['text', 'error'],
    );
    const { status, code, model_id: model } = events.at(-1)?.data ?? {};
    assert.deepEqual([status, code, model], ['error', 'INFERENCE_FAILED', 'f-tasks@1']);
  },
);

async function waitsForNothing(plugins: () => Promise<{ body: object }>): Promise<void> {
  // Unloading waits for what is under way: it ends only where the task was ended.
  const { body } = await plugins();
  assert.equal((body as { status?: string }).status, 'success', JSON.stringify(body));
}

test('over the socket: events to who asks for them', watchdog, async (t) => {
  const { daemon } = await fakeTasks(t);
  const client = await daemon.connect();
  const events: GenerationEvent[] = [];
  const onEvent = (event: GenerationEvent) => events.push(event);
  const heard = await client.infer('f/tasks@1', { text: 'one two' }, { onEvent });
  assert.deepEqual(
    events.map(({ text }) => text),
    ['one', ' two'],
  );
  assert.equal((heard.result as { text: string }).text, 'one two');
  await client.infer('f/tasks@1', { text: 'one two' });
  assert.equal(events.length, 2);
  const failed = client.infer('f/tasks@1', { text: 'well fail' }, { onEvent });
  await assert.rejects(failed, { code: 'INFERENCE_FAILED' });
  assert.equal(events.length, 3);

  const two = await client.infer(
    'f/tasks@1',
    { image: new Uint8Array(7) },
    { task: 'image-classification', parameters: { top_k: 1 }, priority: 'batch' },
  );
  assert.deepEqual(two.result, { labels: [{ label: '7 bytes', score: 0.75 }] });
});

test('over the socket: who closes it ends the task', watchdog, async (t) => {
  const { daemon } = await fakeTasks(t);
  const client = await daemon.connect();
  let hear: () => void = () => undefined;
  const heard = new Promise<void>((resolve) => {
    hear = resolve;
  });
  const text = 'a pause=100 b';
  const left = client.infer(
    'f/tasks@1',
    { text },
    { parameters: { max_tokens: 1_000_000 }, onEvent: hear },
  );
  await Promise.all([
    heard.then(() => client.close()),
    assert.rejects(left, { code: 'CANCELLED' }),
  ]);
  await waitsForNothing(() => daemon.http.post('/models/f-tasks@1/unload'));
});

test('over the socket: a call that is given up ends, the client goes on', watchdog, async (t) => {
  const { daemon } = await fakeTasks(t);
  const client = await daemon.connect();
  t.after(() => client.close());
  const endless = { parameters: { max_tokens: 1_000_000 } };
  for (const how of ['signal', 'timeout']) {
    const controller = new AbortController();
    const wait = how === 'signal' ? { signal: controller.signal } : { timeoutMs: 300 };
    const call = client.call(
      'models.infer',
      { model_id: 'f/tasks@1', input: 'a pause=100 b', ...endless, timeout_ms: 60_000 },
      { ...wait, onEvent: () => controller.abort() },
    );
    await assert.rejects(call, { code: how === 'signal' ? 'CANCELLED' : 'DEADLINE_EXCEEDED' });
    await waitsForNothing(() => daemon.http.post('/models/f-tasks@1/unload'));
    const { result } = await client.infer('f/tasks@1', { text: 'still here' });
    assert.equal((result as { text: string }).text, 'still here');
  }
});

test(
  'a client that reads no events stops no other, and gets them all later',
  watchdog,
  async (t) => {
    const { url, ask: askWhole } = await fakeTasks(t);
    const { port, pathname } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    const words = 'w'.repeat(2_000);
    const body = JSON.stringify({ input: words, max_tokens: 2_000 });
    socket.write(
      `POST ${pathname} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    socket.pause();
    await sleep(50);
    assert.equal((await askWhole({ input: 'x' })).status, 200);
    let text = '';
    for await (const chunk of socket) {
      text += chunk;
      if (text.includes('event: result') && text.endsWith('\r\n\r\n')) break;
    }
    // Whole pieces, several in one where it was slow to take them.
    const texts = [...text.matchAll(/"text":"([w ]+)","tokens":(\d+)/g)];
    assert.equal(
      texts.reduce((sum, [, , tokens]) => sum + Number(tokens), 0),
      2_000,
    );
  },
);

test(
  'over gRPC: each piece, then the whole answer; who cancels ends the task',
  watchdog,
  async (t) => {
    const { daemon, ask: askWhole } = await fakeTasks(t);
    const grpc = new GrpcCaller(`127.0.0.1:${daemon.grpcPort}`);
    t.after(() => grpc.close());
    const asked = (input: string, more: object = {}) => ({ model_id: 'f/tasks@1', input, ...more });
    const events = await grpc.events(asked('one two three'));
    const response = events.at(-1)?.['response'] as { result: object };
    assert.deepEqual(events.slice(0, -1), [
      { written: { text: 'one', tokens: 1 } },
      { written: { text: ' two', tokens: 1 } },
      { written: { text: ' three', tokens: 1 } },
    ]);
    assert.deepEqual(response.result, (await askWhole({ input: 'one two three' })).body.result);
    const quiet = await grpc.events(asked('four', { task: 'feature-extraction' }));
    assert.equal(quiet.length, 1);

    await assert.rejects(grpc.events(asked('fail')), { code: 'INFERENCE_FAILED' });
    const heard: object[] = [];
    const failed = grpc.events(asked('well fail'), (event) => heard.push(event) > 0);
    await assert.rejects(failed, { code: 'INFERENCE_FAILED' });
    assert.equal(heard.length, 1);
    await assert.rejects(grpc.events(asked('x', { parameters: { max_tokens: -1 } })), {
      code: 'INVALID_ARGUMENT',
    });

    const endless = asked('a pause=100 b', { parameters: { max_tokens: 1_000_000 } });
    await assert.rejects(
      grpc.events(endless, () => false),
      { code: 1 },
    );
    await waitsForNothing(() => daemon.http.post('/models/f-tasks@1/unload'));
  },
);
