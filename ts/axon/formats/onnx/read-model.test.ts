import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { tinyOnnx } from '../../../testing/hub-double/tiny-onnx.ts';
import { AxonError } from '../../axon-error.ts';
import { ioSchema } from '../io-schema.ts';
import { readOnnx } from './read-model.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-onnx-'));
after(() => fs.rmSync(dir, { recursive: true }));

function read(bytes: Buffer) {
  fs.writeFileSync(path.join(dir, 'm.onnx'), bytes);
  return readOnnx(dir, 'm.onnx');
}

test('inputs without those that are weights, dimensions with their names, outside data everywhere', () => {
  const model = read(
    tinyOnnx({
      inputs: [
        { name: 'ids', elementType: 7, shape: ['batch', null, 3] },
        { name: 'w', shape: [1] },
        { name: 'scalar', elementType: 9, shape: [] },
      ],
      weights: [{ name: 'w' }, { name: 'v', location: './v.bin' }],
      hiddenLocation: 'h.bin',
      trainingLocation: 't.bin',
    }),
  );
  assert.deepEqual(ioSchema(model)?.inputs, [
    { name: 'ids', dtype: 'int64', shape: [-1, -1, 3], dims: ['batch', null, 3] },
    { name: 'scalar', dtype: 'bool', shape: [] },
  ]);
  assert.deepEqual(model.externalFiles, ['h.bin', 't.bin', 'v.bin']);
  assert.deepEqual(
    [model.irVersion, model.producer, [...model.opsets]],
    [8, 'tiny', [['ai.onnx', 13]]],
  );
});

test('a tensor lies at a place that there is', () => {
  const at = (offset: number, length: number) =>
    tinyOnnx({ weights: [{ name: 'v', location: 'v.bin', offset, length }] });
  assert.equal(read(at(8, 4)).externalEnds.get('v.bin'), 12);
  for (const [offset, length] of [
    [-8, 12],
    [8, -4],
    [1.5, 2],
  ] as const)
    assert.throws(() => read(at(offset, length)), {
      code: 'INVALID_PACKAGE',
      message: /impossible/,
    });
});

test('a type that the list cannot say leaves the list out instead of inventing', () => {
  assert.equal(
    ioSchema(read(tinyOnnx({ inputs: [{ name: 'c', elementType: 14, shape: [1] }] }))),
    null,
  );
});

test('every cut and every flipped byte of a model is read or refused, never a crash or a hang', () => {
  const whole = tinyOnnx({ weights: [{ name: 'v', location: 'v.bin' }], hiddenLocation: 'h' });
  const attempt = (bytes: Buffer) => {
    try {
      read(bytes);
    } catch (error) {
      assert.ok(error instanceof AxonError && error.code === 'INVALID_PACKAGE', String(error));
    }
  };
  for (let at = 0; at < whole.length; at++) {
    attempt(whole.subarray(0, at));
    const flipped = Buffer.from(whole);
    flipped[at] = 0xff;
    attempt(flipped);
  }
  assert.throws(() => read(Buffer.from('<html>not a model</html>')));
});
