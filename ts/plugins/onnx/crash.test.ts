import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tensor } from '../../protocol/tensor.ts';
import { outcome, until } from '../../testing/fake-plugin/with-host.ts';
import { openOnnxHost } from '../../testing/onnx-host.ts';
import { slowModel } from '../../testing/onnx-models.ts';

const options = { timeout: 60_000 };

function turns(count: number): Record<string, Tensor> {
  return {
    turns: new Tensor('int64', [], new Uint8Array(new BigInt64Array([BigInt(count)]).buffer)),
    x: new Tensor('float32', [], new Uint8Array(new Float32Array([2]).buffer)),
  };
}

test(
  'ONNX Runtime killed in the middle of a run: the next request is served',
  options,
  async (t) => {
    await using onnx = await openOnnxHost();
    await onnx.load('t/slow@1', slowModel());
    const modelId = 't/slow@1';
    const infer = (count: number) =>
      onnx.host.infer({ modelId, inputs: turns(count), timeoutMs: 50_000 });
    await infer(1);
    const running = outcome(infer(1_000_000));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const next = infer(1);
    const killed = performance.now();
    process.kill(onnx.host.status.pid as number, 'SIGKILL');
    assert.equal(await running, 'PLUGIN_CRASHED');
    t.diagnostic(`death to 503: ${(performance.now() - killed).toFixed(1)} ms`);
    const { outputs } = await next;
    t.diagnostic(`death to served: ${(performance.now() - killed).toFixed(0)} ms`);
    assert.deepEqual(outputs['y']?.toJSON(), [2]);
  },
);

test('a run past its deadline is ended, and costs nobody anything', options, async () => {
  await using onnx = await openOnnxHost();
  const modelId = 't/slow@1';
  await onnx.load(modelId, slowModel());
  const infer = (count: number, timeoutMs: number) =>
    outcome(onnx.host.infer({ modelId, inputs: turns(count), timeoutMs }));
  assert.equal(await infer(1_000_000, 100), 'DEADLINE_EXCEEDED');
  assert.equal(await infer(1, 50_000), 'ok');
  assert.equal(onnx.host.status.restarts, 0);
});

test('a run that cannot be ended goes with its process', options, async () => {
  await using onnx = await openOnnxHost();
  const modelId = 't/slow@1';
  await onnx.load(modelId, slowModel(), { runner: 'js' });
  const endless = onnx.host.infer({ modelId, inputs: turns(1_000_000), timeoutMs: 100 });
  assert.equal(await outcome(endless), 'DEADLINE_EXCEEDED');
  assert.equal(
    await outcome(onnx.host.infer({ modelId, inputs: turns(1), timeoutMs: 50_000 })),
    'ok',
  );
  await until(() => onnx.host.status.restarts === 1);
});
