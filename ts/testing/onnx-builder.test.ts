import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  addMultiplyModel,
  bertLikeModel,
  failingModel,
  identityModel,
  matMulModel,
  slowModel,
} from './onnx-models.ts';

test('the runtime loads and runs what the builder writes', async () => {
  const session = await InferenceSession.create(addMultiplyModel());
  const a = new Tensor('float32', [1, 2, 3], [3]);
  const { sum, product } = await session.run({ a, b: a });
  assert.deepEqual(sum?.data, new Float32Array([2, 4, 6]));
  assert.deepEqual(product?.data, new Float32Array([1, 4, 9]));
});

test('weights, symbolic dimensions and several inputs are read as they were written', async () => {
  const session = await InferenceSession.create(matMulModel(4, 2));
  const x = new Tensor('float32', new Float32Array(4).fill(8), [1, 4]);
  const { y } = await session.run({ x });
  assert.deepEqual(y?.data, new Float32Array([0, -3]));
  const bert = await InferenceSession.create(bertLikeModel());
  assert.deepEqual(bert.inputNames, ['input_ids', 'attention_mask', 'token_type_ids']);
  assert.deepEqual((bert.inputMetadata[0] as { shape: unknown }).shape, ['batch', 'sequence']);
});

test('the slow model takes longer the more turns it is asked for', async () => {
  const session = await InferenceSession.create(slowModel());
  const x = new Tensor('float32', [5], []);
  const run = async (turns: bigint) => {
    const begun = performance.now();
    const { y } = await session.run({ x, turns: new Tensor('int64', [turns], []) });
    assert.deepEqual(y?.data, new Float32Array([5]));
    return performance.now() - begun;
  };
  await run(1n);
  const [short, long] = [await run(1n), await run(300n)];
  assert.ok(long > short, `${long} > ${short}`);
});

test('the failing model loads and fails when it runs', async () => {
  const session = await InferenceSession.create(failingModel());
  await assert.rejects(session.run({ x: new Tensor('float32', [1, 2], [2]) }));
});

test('odd names survive', async () => {
  const session = await InferenceSession.create(
    identityModel('float32', [], { input: 'a:b', output: 'onnx::Flatten_0' }),
  );
  assert.deepEqual([session.inputNames, session.outputNames], [['a:b'], ['onnx::Flatten_0']]);
});
