import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tensor } from '../../../protocol/tensor.ts';
import { joinRows, sameOutputs, splitRows, takesRows, tokenRows } from './ragged-rows.ts';

const int64 = 'int64' as const;
const float32 = 'float32' as const;

function rows(...texts: number[][]) {
  const shape = [texts.length, texts[0]?.length ?? 0];
  const ids = BigInt64Array.from(texts.flat(), BigInt);
  const call = tokenRows({
    input_ids: { dtype: int64, shape, values: ids },
    attention_mask: { dtype: int64, shape, values: new BigInt64Array(ids.length).fill(1n) },
  });
  assert.ok(call);
  return call;
}

const floats = (shape: number[], values: number[]) =>
  new Tensor(float32, shape, new Uint8Array(Float32Array.from(values).buffer));

test('shorter rows are filled up behind, and masked', () => {
  const joined = joinRows([rows([1, 2], [3, 4]), rows([5, 6, 7])], 9n);
  assert.deepEqual(joined['input_ids'], {
    ...{ dtype: int64, shape: [3, 3] },
    data: BigInt64Array.from([1n, 2n, 9n, 3n, 4n, 9n, 5n, 6n, 7n]),
  });
  const { data } = joined['attention_mask'] as { data: BigInt64Array };
  assert.deepEqual([...data], [1n, 1n, 0n, 1n, 1n, 0n, 1n, 1n, 1n]);
});

test('each gets its own rows back, without what was filled up', () => {
  const calls = [rows([1, 2], [3, 4]), rows([5, 6, 7])];
  const outputs = {
    h: floats([3, 3, 1], [1, 2, 0, 3, 4, 0, 5, 6, 7]),
    pooled: floats([3, 3], [10, 11, 12, 20, 21, 22, 30, 31, 32]),
    score: floats([3], [7, 8, 9]),
  };
  const signature = {
    inputs: [],
    outputs: [
      { name: 'h', dtype: float32, shape: [-1, -1, 1] },
      { name: 'pooled', dtype: float32, shape: [-1, 3] },
      { name: 'score', dtype: float32, shape: [-1] },
    ],
  };
  const [two, one] = splitRows(outputs, calls, signature);
  const told = (of: typeof two, name: string) => {
    const { shape, values } = of?.[name] ?? { shape: [], values: new Float32Array() };
    return [shape, [...(values as Float32Array)]];
  };
  assert.deepEqual(told(two, 'h'), [
    [2, 2, 1],
    [1, 2, 3, 4],
  ]);
  assert.deepEqual(told(two, 'pooled'), [
    [2, 3],
    [10, 11, 12, 20, 21, 22],
  ]);
  assert.deepEqual(told(two, 'score'), [[2], [7, 8]]);
  assert.deepEqual(told(one, 'h'), [
    [1, 3, 1],
    [5, 6, 7],
  ]);
  assert.deepEqual(told(one, 'pooled'), [
    [1, 3],
    [30, 31, 32],
  ]);
  assert.deepEqual(told(one, 'score'), [[1], [9]]);
});

test('only what is rows of tokens, in and out, is taken', () => {
  const inputs = ['input_ids', 'attention_mask'].map((name) => {
    return { name, dtype: int64, shape: [-1, -1] };
  });
  const gives = (...shape: number[]) => [{ name: 'h', dtype: float32, shape }];
  assert.ok(takesRows({ inputs, outputs: gives(-1, -1, 8) }));
  assert.ok(takesRows({ inputs, outputs: gives(-1, 8) }));
  assert.ok(!takesRows({ inputs: inputs.slice(0, 1), outputs: gives(-1, 8) }));
  assert.ok(!takesRows({ inputs, outputs: gives(-1, 8, -1, -1) }));
  assert.ok(!takesRows({ inputs, outputs: gives(1, 8) }));
  assert.equal(
    tokenRows({ input_ids: { dtype: int64, shape: [2], values: new BigInt64Array(2) } }),
    null,
  );
  assert.equal(
    tokenRows({ input_ids: { dtype: float32, shape: [1, 2], values: new Float32Array(2) } }),
    null,
  );
});

test('rounding is no difference, anything else is', () => {
  const of = (...values: number[]) => ({
    h: { dtype: float32, shape: [2], values: Float32Array.from(values) },
  });
  assert.ok(sameOutputs(of(1, 2), of(1.000001, 2)));
  assert.ok(!sameOutputs(of(1, 2), of(1.001, 2)));
  assert.ok(!sameOutputs(of(1, 2), of(1, Number.NaN)));
  assert.ok(!sameOutputs(of(1, 2), of(1)));
});
