import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { MlosError } from '../../protocol/errors.ts';
import { fakeHost, order, outcome, until } from '../../testing/fake-plugin/with-host.ts';

const options = { timeout: 60_000 };

test('a request that waits past its deadline is never sent', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model());
  const running = outcome(host.infer(order(['sleep 400'])));
  const prefetched = outcome(host.infer(order()));
  const late = host.infer(order(['crash'], { timeoutMs: 50 }));
  await assert.rejects(late, (error: MlosError) => {
    assert.equal(error.code, 'DEADLINE_EXCEEDED');
    assert.match(error.message, /waited/);
    return true;
  });
  assert.deepEqual(await Promise.all([running, prefetched]), ['ok', 'ok']);
  assert.equal(await outcome(host.infer(order())), 'ok');
  assert.equal(host.status.restarts, 0, 'the crash order was never begun');
});

test('one that was sent but not begun is answered without being run', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model());
  const running = outcome(host.infer(order(['block 300'])));
  assert.equal(await outcome(host.infer(order(['crash'], { timeoutMs: 50 }))), 'DEADLINE_EXCEEDED');
  assert.equal(await running, 'ok');
  assert.equal(await outcome(host.infer(order())), 'ok');
  assert.equal(host.status.restarts, 0);
});

test(
  'a running one past its deadline: the process has a grace, then it is replaced',
  options,
  async (t) => {
    const { host, model } = await fakeHost(t, {}, { limits: { overdueGraceMs: 1_500 } });
    await host.load(await model());
    // Within the grace it may end by itself, and costs nobody anything.
    assert.equal(
      await outcome(host.infer(order(['block 150'], { timeoutMs: 50 }))),
      'DEADLINE_EXCEEDED',
    );
    assert.equal(await outcome(host.infer(order())), 'ok');
    assert.equal(host.status.restarts, 0);
    const hanging = outcome(host.infer(order(['block 60000'], { timeoutMs: 50 })));
    const behind = outcome(host.infer(order()));
    assert.deepEqual([await hanging, await behind], ['DEADLINE_EXCEEDED', 'ok']);
    assert.equal(host.status.restarts, 1);
  },
);

test(
  'cancellation: waiting ones leave the queue, a running one is left alone',
  options,
  async (t) => {
    const { host, model } = await fakeHost(t);
    await host.load(await model());
    const running = new AbortController();
    const waiting = new AbortController();
    const first = outcome(host.infer(order(['sleep 200'], { signal: running.signal })));
    const second = outcome(host.infer(order()));
    const third = outcome(host.infer(order(['crash'], { signal: waiting.signal })));
    waiting.abort();
    assert.equal(await third, 'CANCELLED');
    running.abort();
    assert.equal(await first, 'CANCELLED');
    assert.equal(await second, 'ok');
    assert.equal(host.status.restarts, 0);
    assert.equal(await outcome(host.infer(order([], { signal: running.signal }))), 'CANCELLED');
  },
);

test('requests leave no listener behind', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model());
  const { signal } = new AbortController();
  for (let i = 0; i < 50; i++) await host.infer(order([], { signal }));
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('the queue is bounded in number and in bytes', options, async (t) => {
  const limits = { pluginQueue: 3, pluginQueueBytes: 1_000 };
  const { host, model } = await fakeHost(t, {}, { limits });
  await host.load(await model());
  const sent = [order(['sleep 300']), order()].map((request) => outcome(host.infer(request)));
  const large = order([`say ${'x'.repeat(800)}`]);
  const queued = [outcome(host.infer(large))];
  assert.equal(await outcome(host.infer(large)), 'TOO_MANY_REQUESTS', 'bytes');
  queued.push(outcome(host.infer(order())), outcome(host.infer(order())));
  assert.equal(await outcome(host.infer(order())), 'TOO_MANY_REQUESTS', 'number');
  assert.deepEqual(await Promise.all([...sent, ...queued]), Array(5).fill('ok'));
  assert.equal(await outcome(host.infer(order())), 'ok');
});

test('an idle plugin that stands still misses its beats and is replaced', options, async (t) => {
  const limits = { heartbeatMs: 50, heartbeatMisses: 3 };
  const { host, log } = await fakeHost(t, { freezeAfterMs: 100 }, { limits });
  await host.start();
  await until(() => host.status.restarts > 0);
  assert.ok(log.some((line) => line.includes('missed 3 heart-beats')));
});

test('a busy plugin that stands still within its deadline is not', options, async (t) => {
  const { host, model } = await fakeHost(
    t,
    {},
    { limits: { heartbeatMs: 60, heartbeatMisses: 3 } },
  );
  await host.load(await model());
  assert.equal(await outcome(host.infer(order(['block 500']))), 'ok');
  assert.equal(await outcome(host.infer(order(['block 300']))), 'ok');
  assert.equal(host.status.restarts, 0);
});

test('a stop with a bound on draining does not wait for more', options, async (t) => {
  const { host, model } = await fakeHost(t, {}, { limits: { pluginStopMs: 50 } });
  await host.load(await model());
  const endless = outcome(host.infer(order(['sleep 600000'])));
  const waiting = outcome(host.infer(order()));
  const queued = outcome(host.infer(order()));
  await host.stop({ drainMs: 50 });
  assert.equal(await endless, 'PLUGIN_CRASHED');
  assert.deepEqual(await Promise.all([waiting, queued]), Array(2).fill('PLUGIN_UNAVAILABLE'));
});

test('a stop while the plugin starts: what was accepted is still served', options, async (t) => {
  const { host, model } = await fakeHost(t, { startDelayMs: 200 });
  const loading = outcome(host.load(await model()));
  await host.stop();
  assert.equal(await loading, 'ok');
  void host.start().catch(() => undefined);
  await host.stop();
  assert.equal(host.status.state, 'stopped');
});
