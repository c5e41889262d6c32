import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleInputs } from './example-inputs.ts';

test('zeros of the shape, free dimensions are 1', () => {
  const inputs = [
    { name: 'x', dtype: 'float32', shape: [-1, 3] },
    { name: 'flag', dtype: 'bool', shape: [] },
    { name: 'words', dtype: 'string', shape: [2] },
    { name: 'any', dtype: 'int64', shape: null },
  ] as const;
  assert.deepEqual(exampleInputs(inputs), {
    ...{ x: [[0, 0, 0]], flag: false, words: ['', ''], any: [0] },
  });
});

test('what nobody could read is none, and of no inputs there is none', () => {
  assert.equal(exampleInputs([]), null);
  const inputs = [{ name: 'x', dtype: 'float32', shape: [1, 3, 224, 224] }] as const;
  assert.equal(exampleInputs(inputs), null);
});
