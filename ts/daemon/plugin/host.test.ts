import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MlosError } from '../../protocol/errors.ts';
import { Tensor } from '../../protocol/tensor.ts';
import { fakeHost, order, outcome, until } from '../../testing/fake-plugin/with-host.ts';

const options = { timeout: 60_000 };

test('loads, infers, echoes, and stops', options, async (t) => {
  const { host, model } = await fakeHost(t);
  const { metadata } = await host.load(await model());
  assert.deepEqual(metadata, { loaded: 'test/model@1' });
  const x = new Tensor('float32', [2], new Uint8Array(new Float32Array([1.5, -2]).buffer));
  const inputs = { x, constructor: x };
  const { outputs, queueTimeUs } = await host.infer(order([], { inputs }));
  assert.deepEqual(Object.keys(outputs), ['x', 'constructor']);
  assert.deepEqual(outputs['x']?.toJSON(), [1.5, -2]);
  assert.ok(queueTimeUs >= 0);
  const { state, models, runner, pid } = host.status;
  assert.deepEqual([state, models, runner], ['ready', ['test/model@1'], 'fake 1.0.0']);
  assert.deepEqual(await host.call('get_model_info', { model_id: 'm' }), { modelId: 'm' });
  await host.stop();
  assert.equal(host.status.state, 'stopped');
  assert.throws(() => process.kill(pid as number, 0));
});

test('a refused model is MODEL_LOAD_FAILED with the reason', options, async (t) => {
  const { host, model } = await fakeHost(t);
  const refused = { ...(await model()), options: { refuse: 'opset 99 is unknown' } };
  await assert.rejects(host.load(refused), (error: MlosError) => {
    assert.equal(error.code, 'MODEL_LOAD_FAILED');
    assert.equal(error.message, 'opset 99 is unknown');
    return true;
  });
  assert.equal(await outcome(host.infer(order())), 'FAILED_PRECONDITION');
});

test('an error of the runtime costs its request and nothing else', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model());
  assert.equal(await outcome(host.infer(order(['fail']))), 'INFERENCE_FAILED');
  assert.equal(await outcome(host.infer(order())), 'ok');
  assert.equal(host.status.restarts, 0);
});

test('a kill fails the running request, serves the waiting ones, reloads', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model('test/model@1'));
  await host.load(await model('test/second@1'));
  const running = outcome(host.infer(order(['sleep 20000'])));
  const waiting = Array.from({ length: 5 }, () => outcome(host.infer(order())));
  const other = outcome(host.infer(order([], { modelId: 'test/second@1' })));
  process.kill(host.status.pid as number, 'SIGKILL');
  assert.equal(await running, 'PLUGIN_CRASHED');
  assert.deepEqual(await Promise.all([...waiting, other]), Array(6).fill('ok'));
  assert.equal(host.status.restarts, 1);
  assert.deepEqual(host.status.models, ['test/model@1', 'test/second@1']);
});

test('an abort of the plugin by itself is the same', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model());
  for (const act of ['crash', 'exit 3', 'exit 0']) {
    const error = await host.infer(order([act])).catch((thrown: MlosError) => thrown);
    assert.ok(error instanceof MlosError && error.code === 'PLUGIN_CRASHED', act);
    assert.match(error.message, act === 'crash' ? /SIGABRT/ : new RegExp(`code ${act.slice(5)}`));
    assert.equal(await outcome(host.infer(order())), 'ok');
  }
});

test('accepted requests finish before a stop, new ones are refused', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model());
  const accepted = Array.from({ length: 4 }, () => outcome(host.infer(order(['sleep 20']))));
  const stopped = host.stop();
  assert.equal(await outcome(host.infer(order())), 'PLUGIN_UNAVAILABLE');
  await stopped;
  assert.deepEqual(await Promise.all(accepted), Array(4).fill('ok'));
  await host.load(await model());
  assert.equal(await outcome(host.infer(order())), 'ok');
});

test('a plugin that ignores SIGTERM is killed', options, async (t) => {
  const { host, model } = await fakeHost(
    t,
    { ignoreSigterm: true },
    { limits: { pluginStopMs: 50 } },
  );
  await host.load(await model());
  const { pid } = host.status;
  await host.stop();
  assert.throws(() => process.kill(pid as number, 0));
});

test('two versions of a plugin run side by side', options, async (t) => {
  const one = await fakeHost(t, { version: '1.0.0' });
  const two = await fakeHost(t, { version: '2.0.0' });
  await Promise.all([one.host.load(await one.model()), two.host.load(await two.model())]);
  assert.deepEqual([one.host.status.runner, two.host.status.runner], ['fake 1.0.0', 'fake 2.0.0']);
  process.kill(one.host.status.pid as number, 'SIGKILL');
  assert.equal(await outcome(two.host.infer(order())), 'ok');
  await until(() => one.host.status.restarts === 1);
  assert.equal(two.host.status.restarts, 0);
});

test('a declared concurrency is used, and all that ran fail together', options, async (t) => {
  const { host, model } = await fakeHost(t, { concurrency: 3 });
  await host.load(await model());
  const running = Array.from({ length: 3 }, () => outcome(host.infer(order(['sleep 20000']))));
  const waiting = outcome(host.infer(order()));
  process.kill(host.status.pid as number, 'SIGKILL');
  assert.deepEqual(await Promise.all(running), Array(3).fill('PLUGIN_CRASHED'));
  assert.equal(await waiting, 'ok');
});

test('what a plugin prints is in the log, with its id', options, async (t) => {
  const { host, model, log } = await fakeHost(t);
  await host.load(await model());
  await host.infer(order([`say ${'x'.repeat(10_000)}`, 'say hello']));
  const lines = () => log.map((line) => JSON.parse(line) as { msg: string; plugin: string });
  await until(() => lines().some(({ msg }) => msg === 'hello'));
  assert.ok(lines().every(({ msg, plugin }) => msg.length <= 4_096 && plugin === 'fake@1.0.0'));
});

test('the environment of the daemon stays with the daemon', options, async (t) => {
  const environment = { PATH: process.env['PATH'], NODE_OPTIONS: '--bogus', SECRET: '1' };
  const { host } = await fakeHost(t, {}, { environment });
  await host.start();
  assert.equal(host.status.state, 'ready');
});
