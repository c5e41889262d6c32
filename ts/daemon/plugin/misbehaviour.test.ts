import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MlosError } from '../../protocol/errors.ts';
import { garbageKinds } from '../../testing/fake-plugin/garbage.ts';
import { fakeHost, order, outcome, until } from '../../testing/fake-plugin/with-host.ts';
import { FakeClock } from './fake-clock.ts';

const options = { timeout: 60_000 };

/** Start failures: flags, and what the reason must say. */
const badStarts = [
  [{ exitAtOnce: 7 }, /exited with code 7; its last output: .*told to exit at once/s],
  [{ smiMajor: 9 }, /speaks SMI 9,0, this daemon speaks SMI 1\.0/],
  [{ garbageHello: true }, /broke the contract/],
  [{ neverHello: true }, /did not say hello within 300 ms/],
] as const;

for (const [flags, reason] of badStarts) {
  test(`a plugin that starts badly: ${JSON.stringify(flags)}`, options, async (t) => {
    const limits = 'neverHello' in flags ? { pluginStartMs: 300 } : {};
    const { host } = await fakeHost(t, flags, { limits });
    await assert.rejects(host.start(), (error: MlosError) => {
      assert.equal(error.code, 'PLUGIN_UNAVAILABLE');
      assert.match(error.message, reason);
      return true;
    });
    assert.equal(host.status.state, 'crashed');
    assert.match(host.status.reason ?? '', reason);
  });
}

test('a program that is not there', options, async (t) => {
  const { host } = await fakeHost(t);
  Object.assign(host.descriptor, { command: ['/nowhere/at-all'] });
  await assert.rejects(host.start(), /could not be started: .*ENOENT/);
});

test('a slow start is waited for', options, async (t) => {
  const { host, model } = await fakeHost(t, { startDelayMs: 300 });
  const loaded = host.load(await model());
  const started = host.start();
  assert.equal(host.status.state, 'starting');
  await Promise.all([loaded, started]);
});

for (const kind of garbageKinds) {
  test(`garbage costs its request a clear error: ${kind}`, options, async (t) => {
    const { host, model } = await fakeHost(t, {}, { limits: { overdueGraceMs: 200 } });
    await host.load(await model());
    const answer = outcome(host.infer(order([`garbage ${kind}`])));
    const behind = outcome(host.infer(order()));
    assert.deepEqual([await answer, await behind], ['PLUGIN_CRASHED', 'ok']);
    assert.equal(host.status.restarts, 1);
  });
}

test(
  'a crash loop backs off, opens the circuit, and closes it with a success',
  options,
  async (t) => {
    const clock = new FakeClock();
    const { host, model } = await fakeHost(t, {}, { clock });
    await host.load(await model());
    const pauses: number[] = [];
    const crash = async () => {
      assert.equal(await outcome(host.infer(order(['exit 9']))), 'PLUGIN_CRASHED');
      pauses.push((host.status.restingUntil ?? 0) - clock.now());
    };
    for (let i = 0; i < 5; i++) {
      await crash();
      if (i < 4) clock.advance(pauses.at(-1) ?? 0);
      if (i < 4) await until(() => host.status.state === 'ready');
    }
    assert.deepEqual(pauses, [0, 250, 500, 1_000, 30_000]);
    await assert.rejects(host.infer(order()), (error: MlosError) => {
      assert.equal(error.code, 'PLUGIN_UNAVAILABLE');
      assert.ok(error.message.includes(new Date(host.status.restingUntil ?? 0).toISOString()));
      return true;
    });
    // Half-open: one more crash opens it again.
    clock.advance(30_000);
    await until(() => host.status.state === 'ready');
    await crash();
    assert.equal(pauses.at(-1), 30_000);
    clock.advance(30_000);
    await until(() => host.status.state === 'ready');
    assert.equal(await outcome(host.infer(order())), 'ok');
    await crash();
    assert.equal(pauses.at(-1), 0);
  },
);

test('what waits when the circuit opens is told so', options, async (t) => {
  const { host, model } = await fakeHost(
    t,
    { crashOnInfer: 1 },
    { limits: { circuitCrashes: 2, backoffMinMs: 5 } },
  );
  await host.load(await model());
  const answers = await Promise.all(Array.from({ length: 4 }, () => outcome(host.infer(order()))));
  const unavailable = 'PLUGIN_UNAVAILABLE';
  assert.deepEqual(answers, ['PLUGIN_CRASHED', 'PLUGIN_CRASHED', unavailable, unavailable]);
});

test('a model whose reload kills the process is left out, the others stay', options, async (t) => {
  const { host, model } = await fakeHost(t, {}, { limits: { backoffMinMs: 5 } });
  await host.load(await model('test/model@1'));
  await host.load(await model('test/poison@1'));
  await model('test/poison@1', 'poison');
  process.kill(host.status.pid as number, 'SIGKILL');
  await until(() => host.status.restarts === 3 && host.status.state === 'ready');
  assert.deepEqual(host.status.models, ['test/model@1']);
  assert.equal(await outcome(host.infer(order())), 'ok');
  const poisoned = host.infer(order([], { modelId: 'test/poison@1' }));
  assert.equal(await outcome(poisoned), 'MODEL_LOAD_FAILED');
});

test(
  'an idle host leaves no timer and no socket that keeps the process alive after stop',
  options,
  async (t) => {
    const before = process.getActiveResourcesInfo().length;
    const { host } = await fakeHost(t);
    await host.start();
    await host.stop();
    await until(() => process.getActiveResourcesInfo().length <= before + 1);
  },
);
