import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dtype } from './dtype.ts';
import { MlosError } from './errors.ts';
import { limits } from './limits.ts';
import { Tensor, type TensorSpec } from './tensor.ts';
import { tensorFromInput } from './tensor-input.ts';

function spec(dtype: Dtype, shape: readonly number[] | null): TensorSpec {
  return { name: 'x', dtype, shape };
}

function read(dtype: Dtype, shape: readonly number[] | null, value: unknown) {
  const tensor = tensorFromInput(spec(dtype, shape), value);
  return { shape: [...tensor.shape], values: tensor.toJSON() };
}

function refused(dtype: Dtype, shape: readonly number[] | null, value: unknown, code: string) {
  assert.throws(
    () => tensorFromInput(spec(dtype, shape), value),
    (error) => error instanceof MlosError && error.code === code && error.message.includes('"x"'),
  );
}

test('a flat list takes the only shape that it can mean', () => {
  assert.deepEqual(read('int64', [-1, -1], [1, 2, 3]), { shape: [1, 3], values: [1, 2, 3] });
  assert.deepEqual(read('float32', [-1, 2], [1, 2, 3, 4]).shape, [2, 2]);
  assert.deepEqual(read('float32', [2, 2], [1, 2, 3, 4]).shape, [2, 2]);
  assert.deepEqual(read('float32', [-1], []).shape, [0]);
  assert.deepEqual(read('float32', null, [1, 2]).shape, [2]);
});

test('a flat list that could mean several shapes, or none, is refused', () => {
  refused('float32', [-1, 3, -1, -1], [1, 2, 3], 'INVALID_SHAPE');
  refused('float32', [-1, 3], [1, 2, 3, 4], 'INVALID_SHAPE');
  refused('float32', [2, 2], [1, 2, 3], 'INVALID_SHAPE');
});

test('nested lists give their own shape, which must fit', () => {
  assert.deepEqual(
    read(
      'int32',
      [-1, 2],
      [
        [1, 2],
        [3, 4],
      ],
    ).shape,
    [2, 2],
  );
  assert.deepEqual(read('int32', [-1, -1], [[]]).shape, [1, 0]);
  refused('int32', [-1, 2], [[1, 2], [3]], 'INVALID_SHAPE');
  refused('int32', [-1, 2], [[[1, 2]]], 'INVALID_SHAPE');
  refused('int32', [-1, 2], [[1, 2, 3]], 'INVALID_SHAPE');
  refused('int32', [-1, 2], [1, [2]], 'INVALID_VALUE');
});

test('scalars', () => {
  assert.deepEqual(read('int64', [], 16000), { shape: [], values: [16000] });
  assert.deepEqual(read('int64', [-1], 5).shape, [1]);
  refused('int64', [2], 5, 'INVALID_SHAPE');
  refused('int64', [], 'text', 'INVALID_VALUE');
});

test('the explicit form is checked against the signature', () => {
  assert.deepEqual(read('float32', [-1, 2], { shape: [1, 2], data: [1, 2] }).shape, [1, 2]);
  const bytes = new Uint8Array(new Float32Array([1, 2]).buffer);
  assert.deepEqual(read('float32', [-1, 2], { shape: [1, 2], data: bytes }).values, [1, 2]);
  refused('float32', [-1, 2], { shape: [1, 2], data: bytes.subarray(1) }, 'INVALID_SHAPE');
  refused('float32', [-1, 2], { data: bytes }, 'INVALID_SHAPE');
  refused('float32', [-1, 2], { dtype: 'int32', shape: [1, 2], data: [1, 2] }, 'INVALID_DTYPE');
  refused('float32', [-1, 2], { shape: [2, 1], data: [1, 2] }, 'INVALID_SHAPE');
  refused('float32', [-1, 2], { shape: [1, 2], data: [1, 2], typo: 1 }, 'INVALID_ARGUMENT');
  refused('float32', null, { shape: [-1], data: [1] }, 'INVALID_SHAPE');
  refused('float32', null, { shape: [1e300, 1e300], data: [1] }, 'INVALID_SHAPE');
});

test('integers: whole numbers in range, BigInt and decimal strings beyond 2^53', () => {
  assert.deepEqual(read('int64', [-1], ['9223372036854775807', -1, 5n]).values, [
    '9223372036854775807',
    -1,
    5,
  ]);
  assert.deepEqual(read('uint8', [-1], [0, 255]).values, [0, 255]);
  for (const bad of [Number.NaN, 1.5, '1', null, true])
    refused('int32', [-1], [bad], 'INVALID_VALUE');
  for (const bad of [-1, 256]) refused('uint8', [-1], [bad], 'INVALID_VALUE');
  for (const bad of [2 ** 53, '9223372036854775808', '1e3'])
    refused('int64', [-1], [bad], 'INVALID_VALUE');
  refused('uint64', [-1], [-1], 'INVALID_VALUE');
});

test('floats: numbers, and words for what JSON lacks', () => {
  assert.deepEqual(read('float32', [-1], [1.5, 'NaN', '-Infinity']).values, [
    1.5,
    'NaN',
    '-Infinity',
  ]);
  assert.deepEqual(read('float16', [-1], [0.5, 65504]).values, [0.5, 65504]);
  refused('float32', [-1], [1e39], 'INVALID_VALUE');
  refused('float16', [-1], [70000], 'INVALID_VALUE');
  refused('float32', [-1], ['1.5'], 'INVALID_VALUE');
  refused('float32', [-1], [null], 'INVALID_VALUE');
});

test('bool and string', () => {
  assert.deepEqual(read('bool', [-1], [true, 0, 1]).values, [true, false, true]);
  refused('bool', [-1], [2], 'INVALID_VALUE');
  assert.deepEqual(read('string', [-1], ['a', 'ü']).values, ['a', 'ü']);
  refused('string', [-1], [1], 'INVALID_VALUE');
});

test('rank: the limit is served, one past it is refused', () => {
  const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);
  assert.equal(read('int32', null, nest(limits.tensorRank)).shape.length, limits.tensorRank);
  refused('int32', null, nest(limits.tensorRank + 1), 'INVALID_SHAPE');
});

test('a tensor whose bytes do not fill its shape cannot be made', () => {
  assert.throws(() => new Tensor('float32', [2], new Uint8Array(7)), { code: 'INVALID_SHAPE' });
  assert.throws(() => new Tensor('string', [2], ['a']), { code: 'INVALID_SHAPE' });
});
