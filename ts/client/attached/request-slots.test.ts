import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Signature } from '../../protocol/tensor.ts';
import { ArenaSizes } from './arena-sizes.ts';
import { readFacts } from './attach-facts.ts';
import { bytesOfSlots } from './channel-request.ts';
import { readTensors } from './input-tensors.ts';
import { slotsOf } from './request-slots.ts';

const signature: Signature = {
  inputs: [
    { name: 'a', dtype: 'float32', shape: [-1, 4], dims: ['batch', null] },
    { name: 'b', dtype: 'int64', shape: [2] },
  ],
  outputs: [{ name: 'y', dtype: 'float32', shape: [-1] }],
};
const words: Signature = {
  inputs: [{ name: 't', dtype: 'string', shape: [-1] }],
  outputs: [],
};

test('slots follow the signature; a shape that has no choice may be left out', () => {
  const slots = [
    { index: 0, dtype: 'float32', shape: [3, 4], byteLength: 48 },
    { index: 1, dtype: 'int64', shape: [2], byteLength: 16 },
  ];
  assert.deepEqual(slotsOf('m', signature, { a: [3, 4] }), slots);
  const named = { b: { dtype: 'int64', shape: [2] }, a: { shape: [3, 4] } } as const;
  assert.deepEqual(slotsOf('m', signature, named), slots);
});

test('what does not fit the signature is refused as the daemon does', () => {
  const cases = [
    [{}, 'MISSING_INPUT', /"a" float32\[batch,4\]/],
    [{ a: [3, 5] }, 'INVALID_SHAPE', /shape \[3,5\]/],
    [{ a: [-1, 4] }, 'INVALID_SHAPE', /dimension -1/],
    [{ a: { shape: [1, 4], dtype: 'float64' } }, 'INVALID_DTYPE', /"float64"/],
    [{ a: [1, 4], __proto__x: [1] }, 'UNKNOWN_INPUT', /no input "__proto__x"/],
  ] as const;
  for (const [shapes, code, message] of cases) {
    assert.throws(() => slotsOf('m', signature, shapes as never), { code, message });
  }
  assert.throws(() => slotsOf('m', words, { t: [1] }), { code: 'UNIMPLEMENTED' });
});

test('values are read as over the socket, and typed arrays without a shape too', () => {
  const a = new Float32Array([1, 2, 3, 4]);
  const forms = [a, [1, 2, 3, 4], [[1, 2, 3, 4]], { shape: [1, 4], data: a }];
  for (const form of forms) {
    const [x, b] = readTensors('m', signature, { a: form, b: [5, 6] });
    assert.deepEqual(
      [x?.shape, x?.toJSON()],
      [
        [1, 4],
        [1, 2, 3, 4],
      ],
    );
    assert.deepEqual(b?.toJSON(), [5, 6]);
  }
  const wrong = [
    [new Float64Array(4), 'INVALID_DTYPE'],
    [new Float32Array(3), 'INVALID_SHAPE'],
    [['x'], 'INVALID_SHAPE'],
    [[[Number.NaN, 1, 2, 'x']], 'INVALID_VALUE'],
  ] as const;
  for (const [value, code] of wrong) {
    assert.throws(() => readTensors('m', signature, { a: value, b: [1, 2] }), { code });
  }
  const three = { a, b: new BigInt64Array(3) };
  assert.throws(() => readTensors('m', signature, three), { code: 'INVALID_SHAPE' });
  assert.throws(() => readTensors('m', signature, { a }), { code: 'MISSING_INPUT' });
  assert.throws(() => readTensors('m', signature, { a, c: 1 }), { code: 'UNKNOWN_INPUT' });
});

test('float16 and bool come as the arrays that hold them', () => {
  const spec = (dtype: 'float16' | 'bool') => ({
    inputs: [{ name: 'x', dtype, shape: [-1] }],
    outputs: [],
  });
  const [half] = readTensors('m', spec('float16'), { x: new Uint16Array([0x3c00]) });
  assert.deepEqual(half?.toJSON(), [1]);
  const [flag] = readTensors('m', spec('bool'), { x: new Uint8Array([1, 0]) });
  assert.deepEqual(flag?.toJSON(), [true, false]);
});

test('arenas grow to what is needed, at least to the double, and to the limit', () => {
  const facts = readFacts({
    channel_id: 1,
    model_id: 'm',
    model_version: 'v',
    plugin_id: 'p',
    signature,
    input_bytes: 1_000,
    output_bytes: 1_000,
    spin_us: 5,
  });
  const shape = (byteLength: number) => ({
    slots: [{ index: 0, dtype: 'uint8' as const, shape: [byteLength], byteLength }],
    outputs: undefined,
    priority: undefined,
  });
  const sizes = new ArenaSizes({ model_id: 'm' }, 10_000);
  assert.deepEqual(sizes.params, { model_id: 'm' });
  assert.equal(sizes.hasRoom(facts, shape(100)), true);
  sizes.growInputs(facts, shape(100));
  assert.equal(sizes.params.input_bytes, 2_000);
  sizes.growInputs(facts, shape(5_000));
  assert.equal(sizes.params.input_bytes, bytesOfSlots(shape(5_000).slots));
  const large = shape(10_000);
  assert.throws(() => sizes.growInputs(facts, large), { code: 'PAYLOAD_TOO_LARGE' });
  assert.equal(sizes.growOutputs(facts, shape(100)), true);
  assert.equal(sizes.params.output_bytes, 4_000);
  // An answer is often as large as the question.
  assert.equal(sizes.growOutputs(facts, shape(3_000)), true);
  assert.equal(sizes.params.output_bytes, 2 * bytesOfSlots(shape(3_000).slots));
  assert.equal(sizes.growOutputs({ ...facts, outputBytes: 9_000 }, shape(100)), true);
  assert.equal(sizes.params.output_bytes, 10_000);
  assert.equal(sizes.growOutputs({ ...facts, outputBytes: 10_000 }, shape(100)), false);
});

test('an answer to models.attach that lacks something is INTERNAL', () => {
  const good = {
    channel_id: 1,
    model_id: 'm',
    model_version: 'v',
    plugin_id: 'p',
    signature,
    input_bytes: 1,
    output_bytes: 1,
    spin_us: 0,
  };
  assert.deepEqual(readFacts(good).signature, signature);
  for (const field of Object.keys(good)) {
    assert.throws(() => readFacts({ ...good, [field]: undefined }), {
      code: 'INTERNAL',
      message: new RegExp(`"${field}"`),
    });
  }
  for (const value of [null, 1, [], { ...good, signature: { inputs: [{}], outputs: [] } }]) {
    assert.throws(() => readFacts(value), { code: 'INTERNAL' });
  }
});
