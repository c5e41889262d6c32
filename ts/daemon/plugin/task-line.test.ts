import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeTasks } from '../../testing/fake-plugin/tasks.ts';
import { fakeHost, outcome } from '../../testing/fake-plugin/with-host.ts';
import type { TaskRequest } from './task-line.ts';

const options = { timeout: 60_000 };

function say(text: string, rest: Partial<TaskRequest> = {}): TaskRequest {
  const request = { modelId: 'test/model@1', task: 'text-generation' as const, inputs: { text } };
  return { ...request, parameters: {}, timeoutMs: 30_000, ...rest };
}

test('a model tells of its tasks and does them, events first', options, async (t) => {
  const { host, model } = await fakeHost(t);
  const { tasks } = await host.load(await model('test/model@1', 'tasks'));
  assert.deepEqual(
    tasks.map(({ name }) => name),
    fakeTasks.map(({ name }) => name),
  );
  const events: unknown[] = [];
  const onEvent = (event: unknown) => events.push(event);
  const { result, inference_time_us: time } = await host.runTask(say('one two', { onEvent }));
  assert.deepEqual(events, [
    { text: 'one', tokens: 1 },
    { text: ' two', tokens: 1 },
  ]);
  assert.equal((result as { text: string }).text, 'one two');
  assert.ok(Number.isSafeInteger(time));
});

test('tasks run side by side; nothing is said where nobody listens', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model('test/model@1', 'tasks'));
  const long = new AbortController();
  const slow = outcome(host.runTask(say('pause=100000 never', { signal: long.signal })));
  const quick = await Promise.all(Array.from({ length: 20 }, () => host.runTask(say('a b'))));
  assert.equal(quick.length, 20);
  long.abort();
  assert.equal(await slow, 'CANCELLED');
});

test('a caller that leaves and a deadline end the task in the plugin, too', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model('test/model@1', 'tasks'));
  const controller = new AbortController();
  const left = outcome(host.runTask(say('pause=60000 x', { signal: controller.signal })));
  const late = outcome(host.runTask(say('pause=60000 x', { timeoutMs: 50 })));
  controller.abort();
  assert.deepEqual(await Promise.all([left, late]), ['CANCELLED', 'DEADLINE_EXCEEDED']);
  // Were they still running, stopping would wait for them.
  await host.unload('test/model@1');
  await host.stop();
  assert.equal(host.status.state, 'stopped');
});

test('an error costs its task, a crash all that were begun', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model('test/model@1', 'tasks'));
  assert.equal(await outcome(host.runTask(say('well fail'))), 'INFERENCE_FAILED');
  const other = outcome(host.runTask(say('pause=60000 x')));
  assert.equal(await outcome(host.runTask(say('crash'))), 'PLUGIN_CRASHED');
  assert.equal(await other, 'PLUGIN_CRASHED');
  assert.equal(await outcome(host.runTask(say('again'))), 'ok');
});

test(
  'what the plugin cannot take any more is refused, and a model that is not loaded',
  options,
  async (t) => {
    const { host, model } = await fakeHost(t, {}, { limits: { tasksUnderWay: 2 } });
    await host.load(await model('test/model@1', 'tasks'));
    const elsewhere = outcome(host.runTask(say('x', { modelId: 'test/other@1' })));
    assert.equal(await elsewhere, 'FAILED_PRECONDITION');
    const controller = new AbortController();
    const { signal } = controller;
    const begun = [1, 2].map(() => outcome(host.runTask(say('pause=60000 x', { signal }))));
    assert.equal(await outcome(host.runTask(say('x'))), 'TOO_MANY_REQUESTS');
    controller.abort();
    assert.deepEqual(await Promise.all(begun), ['CANCELLED', 'CANCELLED']);
  },
);
