import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readError, readHello, readLoadResult } from './from-plugin.ts';

const hello = {
  smi_version: [1, 0],
  name: 'n',
  version: '1',
  frameworks: [],
  formats: ['f'],
  dtypes: ['float32'],
  runner: 'r',
};

test('hello: later minors and unknown fields pass', () => {
  assert.equal(readHello([0, 'hello', { ...hello, smi_version: [1, 9], more: true }]).name, 'n');
});

const badHellos: readonly unknown[] = [
  null,
  {},
  [1, 'hello', hello],
  [0, 'bye', hello],
  [0, 'hello', null],
  [0, 'hello', { ...hello, name: '' }],
  [0, 'hello', { ...hello, name: 'n'.repeat(129) }],
  [0, 'hello', { ...hello, dtypes: ['float'] }],
  [0, 'hello', { ...hello, formats: Array(65).fill('f') }],
  [0, 'hello', { ...hello, concurrency: 0 }],
  [0, 'hello', { ...hello, concurrency: 65 }],
  [0, 'hello', { ...hello, smi_version: '1.0' }],
];

for (const [index, message] of badHellos.entries()) {
  test(`hello that breaks the contract, ${index}`, () => {
    assert.throws(() => readHello(message), { code: 'INVALID_FRAME' });
  });
}

test('another major is told from garbage, whatever else it says', () => {
  assert.throws(() => readHello([0, 'hello', { smi_version: [2, 0] }]), {
    code: 'UNIMPLEMENTED',
    message: 'it speaks SMI 2,0, this daemon speaks SMI 1.0',
  });
});

const spec = { name: 'x', dtype: 'float32', shape: [-1, 3], dims: ['batch', null] };
const load = (inputs: unknown, metadata: unknown = {}) => ({
  signature: { inputs, outputs: [] },
  metadata,
});

test('load results: good ones', () => {
  assert.deepEqual(readLoadResult(load([spec])).signature.inputs, [spec]);
  assert.equal(
    readLoadResult(load([{ ...spec, shape: null, dims: undefined }])).metadata['a'],
    undefined,
  );
});

const badLoads: readonly unknown[] = [
  null,
  {},
  load('x'),
  load([{ ...spec, name: 5 }]),
  load([{ ...spec, name: 'x'.repeat(1_025) }]),
  load([{ ...spec, dtype: 'complex64' }]),
  load([{ ...spec, shape: [-2, 3] }]),
  load([{ ...spec, shape: [1.5, 3] }]),
  load([{ ...spec, shape: Array(17).fill(1), dims: undefined }]),
  load([{ ...spec, dims: ['batch'] }]),
  load([spec, spec]),
  load(Array.from({ length: 257 }, (_, i) => ({ ...spec, name: `${i}` }))),
  load([spec], { text: 'x'.repeat(70_000) }),
];

for (const [index, result] of badLoads.entries()) {
  test(`load result that breaks the contract, ${index}`, () => {
    assert.throws(() => readLoadResult(result), { code: 'INVALID_FRAME' });
  });
}

test('errors are bounded and of the closed list', () => {
  const error = readError({
    code: 'NO_SUCH',
    message: 'm'.repeat(9_000),
    details: { a: 'x'.repeat(99_000) },
  });
  assert.deepEqual(
    [error.code, error.message.length, error.details],
    ['INTERNAL', 2_000, undefined],
  );
  const good = readError({ code: 'INFERENCE_FAILED', message: 'm', details: { axis: 1 } });
  assert.deepEqual([good.code, good.details], ['INFERENCE_FAILED', { axis: 1 }]);
});
