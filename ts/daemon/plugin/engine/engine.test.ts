import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Tensor } from '../../../protocol/tensor.ts';
import { outcome, until } from '../../../testing/fake-plugin/with-host.ts';
import { onnxModel } from '../../../testing/onnx-builder.ts';
import { type OnnxHost, openOnnxHost } from '../../../testing/onnx-host.ts';
import { identityModel, matMulModel, slowModel } from '../../../testing/onnx-models.ts';
import type { InferenceRequest } from '../host-jobs.ts';

const options = { timeout: 60_000 };
const modelId = 't/model@1';

function floats(list: readonly number[]): Tensor {
  return new Tensor('float32', [list.length], new Uint8Array(new Float32Array(list).buffer));
}

function turns(count: number, x = 2): Record<string, Tensor> {
  return {
    turns: new Tensor('int64', [], new Uint8Array(new BigInt64Array([BigInt(count)]).buffer)),
    x: new Tensor('float32', [], new Uint8Array(new Float32Array([x]).buffer)),
  };
}

/** Runs until somebody ends it. */
const endless = turns(10_000_000);

function infer(
  { host }: OnnxHost,
  inputs: Record<string, Tensor>,
  rest: Partial<InferenceRequest> = {},
) {
  return host.infer({ modelId, inputs, timeoutMs: 50_000, ...rest });
}

function row({ host }: OnnxHost) {
  const model = host.engineModel(modelId);
  return model?.engine.stats().find(({ handle }) => handle === model.handle);
}

async function untilBegun(onnx: OnnxHost): Promise<void> {
  await until(() => row(onnx)?.workers.some(({ runStartedNs }) => runStartedNs !== null) === true);
}

/** Bytes of channels that this process has mapped. */
function mappedChannels(): number {
  let bytes = 0;
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    if (!line.includes('memfd:') || line.includes('mlos-stats')) continue;
    const [from = '0', to = '0'] = (line.split(' ')[0] ?? '').split('-');
    bytes += Number.parseInt(to, 16) - Number.parseInt(from, 16);
  }
  return bytes;
}

test('requests go through the engine and are counted there', options, async () => {
  await using onnx = await openOnnxHost();
  const { engine } = await onnx.load(modelId, matMulModel(4, 2));
  assert.match(engine?.runner ?? '', /C ABI/);
  assert.equal(onnx.host.status.runner, engine?.runner);
  const x = new Tensor('float32', [1, 4], new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer));
  const before = row(onnx)?.requests ?? 0;
  const results = await Promise.all(Array.from({ length: 600 }, () => infer(onnx, { x })));
  for (const { outputs, queueTimeUs } of results) {
    assert.deepEqual(outputs['y']?.toJSON(), results[0]?.outputs['y']?.toJSON());
    assert.ok(queueTimeUs >= 0);
  }
  assert.equal((row(onnx)?.requests ?? 0) - before, 600);
  assert.equal(row(onnx)?.channels, 1);
});

test('the JavaScript API runs in the same engine and says so', options, async () => {
  await using onnx = await openOnnxHost();
  const { engine } = await onnx.load(modelId, identityModel('string', ['n']), { runner: 'js' });
  assert.match(engine?.runner ?? '', /JavaScript API/);
  assert.equal(engine?.on_loop, true);
  const x = new Tensor('string', [2], ['a', 'ä€']);
  const all = await Promise.all(Array.from({ length: 50 }, () => infer(onnx, { x })));
  for (const { outputs } of all) assert.deepEqual(outputs['y']?.data, ['a', 'ä€']);
  assert.equal(row(onnx)?.requests, 50);
  assert.equal(await outcome(infer(onnx, { x: floats([1]) })), 'INVALID_DTYPE');
});

test('a channel grows with what does not fit, and shrinks when it is idle', options, async () => {
  await using onnx = await openOnnxHost({ limits: { channelIdleMs: 100 } });
  await onnx.load(modelId, identityModel('float32', ['n']));
  const small = mappedChannels();
  assert.ok(small > 0 && small < 4 * 1024 ** 2, `${small} bytes at first`);
  const large = floats(Array.from({ length: 2_000_000 }, (_, i) => i));
  const all = await Promise.all(Array.from({ length: 8 }, () => infer(onnx, { x: large })));
  for (const { outputs } of all) {
    assert.equal(Buffer.compare(outputs['y']?.data as Uint8Array, large.data as Uint8Array), 0);
  }
  assert.ok(mappedChannels() > 8_000_000);
  await until(() => mappedChannels() === small);
  const { outputs } = await infer(onnx, { x: floats([1, 2]) });
  assert.deepEqual(outputs['y']?.toJSON(), [1, 2]);
});

test('an answer larger than anybody could guess is asked for again', options, async () => {
  await using onnx = await openOnnxHost();
  const shape = { name: 'shape', dtype: 'int64' as const, shape: ['r'] };
  const model = onnxModel({
    nodes: [{ op: 'ConstantOfShape', inputs: ['shape'], outputs: ['y'] }],
    inputs: [shape],
    outputs: [{ name: 'y', dtype: 'float32', shape: null }],
  });
  await onnx.load(modelId, model);
  const ask = async (count: number) => {
    const bytes = new Uint8Array(new BigInt64Array([BigInt(count)]).buffer);
    return infer(onnx, { shape: new Tensor('int64', [1], bytes) });
  };
  const counts = [10, 5_000_000, 100, 1_000_000, 1];
  const answers = await Promise.all(counts.map(ask));
  assert.deepEqual(
    answers.map(({ outputs }) => outputs['y']?.elementCount),
    counts,
  );
  // 4 GB: more than a channel may have.
  assert.equal(await outcome(ask(1_000_000_000)), 'PAYLOAD_TOO_LARGE');
  assert.equal((await ask(3)).outputs['y']?.elementCount, 3);
});

test('a crash costs what was begun; the rest is asked again', options, async () => {
  await using onnx = await openOnnxHost();
  await onnx.load(modelId, slowModel());
  for (let round = 1; round <= 3; round++) {
    const begun = outcome(infer(onnx, endless));
    await untilBegun(onnx);
    const waiting = Array.from({ length: 400 }, (_, i) => infer(onnx, turns(1, i)));
    await delay(5 * round);
    process.kill(onnx.host.status.pid as number, 'SIGKILL');
    assert.equal(await begun, 'PLUGIN_CRASHED');
    const answers = await Promise.all(waiting);
    for (const [i, { outputs }] of answers.entries()) assert.deepEqual(outputs['y']?.toJSON(), [i]);
    assert.equal(onnx.host.status.restarts, round);
  }
});

test('cancellation ends the run where the runtime can', options, async () => {
  await using onnx = await openOnnxHost();
  await onnx.load(modelId, slowModel());
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = outcome(infer(onnx, endless, { signal: running.signal }));
  await untilBegun(onnx);
  const second = outcome(infer(onnx, endless, { signal: waiting.signal }));
  const third = outcome(infer(onnx, turns(1)));
  waiting.abort();
  assert.equal(await second, 'CANCELLED');
  running.abort();
  assert.equal(await first, 'CANCELLED');
  assert.equal(await third, 'ok');
  assert.equal(onnx.host.status.restarts, 0);
  await until(() => row(onnx)?.cancelled === 2);
});

test('a deadline is kept by who waits as by who runs', options, async () => {
  await using onnx = await openOnnxHost();
  await onnx.load(modelId, slowModel());
  const running = outcome(infer(onnx, endless, { timeoutMs: 300 }));
  await untilBegun(onnx);
  const waiting = outcome(infer(onnx, turns(1), { timeoutMs: 50 }));
  const patient = outcome(infer(onnx, turns(1)));
  assert.equal(await waiting, 'DEADLINE_EXCEEDED');
  assert.deepEqual([await running, await patient], ['DEADLINE_EXCEEDED', 'ok']);
  assert.equal(onnx.host.status.restarts, 0);
});

test('an unload waits for what was accepted', options, async () => {
  await using onnx = await openOnnxHost();
  await onnx.load(modelId, slowModel());
  const accepted = Array.from({ length: 5 }, (_, i) => infer(onnx, turns(20, i)));
  await onnx.host.unload(modelId);
  const answers = await Promise.all(accepted);
  assert.deepEqual(
    answers.map(({ outputs }) => outputs['y']?.toJSON()),
    [[0], [1], [2], [3], [4]],
  );
  assert.equal(await outcome(infer(onnx, turns(1))), 'FAILED_PRECONDITION');
  assert.equal(mappedChannels(), 0);
});

test('what waits is bounded', options, async () => {
  await using onnx = await openOnnxHost({ limits: { pluginQueue: 3 } });
  await onnx.load(modelId, slowModel());
  const abort = new AbortController();
  const first = outcome(infer(onnx, endless, { signal: abort.signal }));
  // One channel holds 256; three may wait for a place in it.
  const more = Array.from({ length: 258 }, () => outcome(infer(onnx, turns(1))));
  assert.equal(await outcome(infer(onnx, turns(1))), 'TOO_MANY_REQUESTS');
  abort.abort();
  assert.equal(await first, 'CANCELLED');
  assert.deepEqual(new Set(await Promise.all(more)), new Set(['ok']));
});

test('a stopped process that does not begin its request is replaced', options, async () => {
  await using onnx = await openOnnxHost({ limits: { overdueGraceMs: 300 } });
  await onnx.load(modelId, identityModel('float32', ['n']));
  process.kill(onnx.host.status.pid as number, 'SIGSTOP');
  // It takes a moment until all of its threads stand still.
  await delay(100);
  const x = floats([1]);
  assert.equal(await outcome(infer(onnx, { x }, { timeoutMs: 100 })), 'DEADLINE_EXCEEDED');
  assert.equal(await outcome(infer(onnx, { x })), 'ok');
  assert.equal(onnx.host.status.restarts, 1);
});

test('descriptors and memory are as before after many loads and crashes', options, async () => {
  await using onnx = await openOnnxHost({ limits: { circuitCrashes: 100 } });
  const models = ['a', 'b', 'c'];
  for (const id of models) await onnx.load(`t/${id}@1`, identityModel('float32', ['n']));
  const mapped = mappedChannels();
  for (let round = 0; round < 4; round++) {
    const { restarts } = onnx.host.status;
    process.kill(onnx.host.status.pid as number, 'SIGKILL');
    const requests = models.map((id) => infer(onnx, { x: floats([1]) }, { modelId: `t/${id}@1` }));
    await Promise.all(requests);
    assert.equal(onnx.host.status.restarts, restarts + 1);
    assert.equal(mappedChannels(), mapped);
  }
  for (const id of models) await onnx.host.unload(`t/${id}@1`);
  assert.equal(mappedChannels(), 0);
});
