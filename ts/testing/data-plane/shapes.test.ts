import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registerModel } from '../daemon/models.ts';
import { residentBytesOf } from '../daemon/processes.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { onnxModel } from '../onnx-builder.ts';

/** `y = |x| + |x| + …` by way of values that all have to be kept until the end. */
function wideModel(branches: number): Buffer {
  const values = Array.from({ length: branches }, (_, i) => `v${i}`);
  return onnxModel({
    nodes: [
      ...values.map((name) => ({ op: 'Abs', inputs: ['x'], outputs: [name] })),
      // Nodes alike are joined; the inputs of this one make them differ.
      ...values.map((name, i) => ({
        op: 'Mul',
        inputs: [name, i === 0 ? 'x' : `w${i - 1}`],
        outputs: [`w${i}`],
      })),
      { op: 'Sum', inputs: values.map((_, i) => `w${i}`), outputs: ['y'] },
    ],
    inputs: [{ name: 'x', dtype: 'float32', shape: ['n'] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['n'] }],
  });
}

const shapes = 12_000;

/*
 * Guards: a client that never sends the same shape twice makes nobody grow. Where the runtime keeps a
 * place for each value of each shape, it is several times the bound.
 */
test('shapes that never come again leave nothing behind', { timeout: 120_000 }, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 's/wide@1', model: wideModel(60) });
  const model = await (await daemon.connect()).attach('s/wide@1');
  const [plugin = 0] = daemon.plugins();
  const zeros = new Float32Array(shapes);
  const ask = async (n: number) => {
    const { outputs } = await model.infer({ x: zeros.subarray(0, n) });
    assert.deepEqual(outputs['y']?.shape, [n]);
  };
  // The largest ones first: what is needed once is taken now.
  for (let i = 0; i < 500; i++) await ask(shapes - i);
  const before = residentBytesOf(plugin);
  for (let n = 1; n < shapes - 500; n++) await ask(n);
  const grownMb = (residentBytesOf(plugin) - before) / 1e6;
  t.diagnostic(`the plugin grew by ${grownMb.toFixed(1)} MB`);
  assert.ok(grownMb < 16, `the plugin grew by ${grownMb} MB`);
});
