import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { mutationsOf } from '../../testing/hub-double/mutations.ts';
import { tinyOnnx } from '../../testing/hub-double/tiny-onnx.ts';
import { tinySavedModel, tinyTflite } from '../../testing/hub-double/tiny-tensorflow.ts';
import {
  rawSafetensors,
  tinyGguf,
  tinySafetensors,
  u32,
  u64,
} from '../../testing/hub-double/tiny-weights.ts';
import { AxonError } from '../axon-error.ts';
import type { ModelFacts } from './facts.ts';
import type { Format } from './file-kinds.ts';
import { filesNamedBy, readFacts } from './read-facts.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-formats-'));
after(() => fs.rmSync(dir, { recursive: true }));

function put(name: string, bytes: Buffer | string): string {
  fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
  fs.writeFileSync(path.join(dir, name), bytes);
  return name;
}

function facts(format: Format, bytes: Buffer): ModelFacts {
  const name = put('model', bytes);
  return readFacts(format, dir, [name], [name]);
}

function refused(format: Format, bytes: Buffer, says: RegExp): void {
  assert.throws(
    () => facts(format, bytes),
    (error) =>
      error instanceof AxonError &&
      error.code === 'INVALID_PACKAGE' &&
      says.test(error.message) &&
      !error.message.includes(dir),
    String(says),
  );
}

/** Whatever is done to a file, it is read or refused. */
function survives(format: Format, whole: Buffer, count = 400): void {
  facts(format, whole);
  for (const bytes of mutationsOf(whole, count)) {
    try {
      facts(format, bytes);
    } catch (error) {
      assert.ok(error instanceof AxonError && error.code === 'INVALID_PACKAGE', String(error));
    }
  }
}

test('safetensors: parameters by dtype, the framework, over all shards', () => {
  put('a.safetensors', tinySafetensors({ w: [2, 3], b: [], empty: [0, 4] }));
  put('b.safetensors', tinySafetensors({ v: [10] }));
  const read = readFacts('safetensors', dir, ['a.safetensors', 'b.safetensors'], []);
  assert.deepEqual(read, {
    framework: { name: 'pytorch' },
    model: { tensors: 4, parameters: 17, dtypes: { F32: 17 } },
  });
});

test('safetensors: what does not cover its file exactly is refused', () => {
  const tensor = (shape: unknown, offsets: unknown, dtype: unknown = 'F32') => ({
    w: { dtype, shape, data_offsets: offsets },
  });
  const data = Buffer.alloc(8);
  refused('safetensors', rawSafetensors(tensor([1], [0, 4]), data), /4 bytes in 8/);
  refused('safetensors', rawSafetensors(tensor([1], [4, 8]), data), /begins at 4 where 0/);
  refused('safetensors', rawSafetensors(tensor([3], [0, 8]), data), /8 bytes where .* 12/);
  refused('safetensors', rawSafetensors(tensor([2], [8, 0]), data), /impossible size/);
  refused('safetensors', rawSafetensors(tensor([2 ** 40, 2 ** 40], [0, 8]), data), /impossible/);
  refused('safetensors', rawSafetensors(tensor([-2], [0, 8]), data), /no shape/);
  refused('safetensors', rawSafetensors(tensor([2], [0, 8.5]), data), /no offsets/);
  refused('safetensors', rawSafetensors(tensor([2], [0, 8], 1), data), /no dtype/);
  refused('safetensors', rawSafetensors({ w: null }, data), /no dtype/);
  refused('safetensors', rawSafetensors('{"a":', data), /not JSON/);
  refused('safetensors', rawSafetensors('[]', data), /not JSON/);
  refused('safetensors', rawSafetensors(`{"a":${'['.repeat(1e6)}`, data), /not JSON/);
  refused('safetensors', Buffer.concat([u64(2n ** 63n), data]), /a header of 9223372036854775808/);
  refused('safetensors', Buffer.alloc(4), /past the end/);
  const both = { a: { dtype: 'U8', shape: [8], data_offsets: [0, 8] } };
  refused('safetensors', rawSafetensors({ ...both, b: both.a }, data), /begins at 0 where 8/);
  survives('safetensors', tinySafetensors({ w: [2, 3], b: [4] }));
});

test('an index names the shards, and only files beside it', () => {
  const named = (map: unknown) => {
    put('x/model.safetensors.index.json', JSON.stringify({ weight_map: map }));
    const files = ['x/model.safetensors.index.json', 'model.safetensors.index.json'];
    return filesNamedBy('safetensors', dir, ['x/model-00001-of-00002.safetensors'], files);
  };
  assert.deepEqual(named({ a: 'm2.safetensors', b: 'm1.safetensors', c: 'm2.safetensors' }), [
    'x/m1.safetensors',
    'x/m2.safetensors',
  ]);
  for (const bad of [{ a: '../m' }, { a: 1 }, { a: '/etc/passwd' }, null, 3])
    assert.throws(() => named(bad), AxonError);
});

test('GGUF: what it says of itself; vocabularies are only walked over', () => {
  const words = Array.from({ length: 5_000 }, (_, i) => `w${i}`);
  const file = tinyGguf({
    values: {
      'general.architecture': 'llama',
      'general.name': 'Tiny',
      'general.license': 'mit',
      'general.file_type': 15,
      'llama.context_length': 4096,
      'tokenizer.chat_template': '{{ x }}'.repeat(10),
      'tokenizer.ggml.tokens': words,
      'tokenizer.ggml.add_bos_token': true,
    },
    tensors: [
      { name: 'a', shape: [4, 2] },
      { name: 'b', shape: [3] },
    ],
  });
  assert.deepEqual(facts('gguf', file), {
    license: 'mit',
    model: {
      architecture: 'llama',
      name: 'Tiny',
      quantization: 'Q4_K_M',
      context_length: 4096,
      chat_template: true,
      tensors: 2,
      parameters: 11,
      dtypes: { F32: 11 },
    },
  });
  survives('gguf', tinyGguf({ values: { a: ['x', 'y'], b: true, c: 'text' } }), 1_500);
});

test('GGUF: parts must be as many as they say, tensors lie apart and inside', () => {
  const part = tinyGguf({ values: { 'split.count': 2 } });
  const names = ['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf'].map((name) => put(name, part));
  assert.equal(readFacts('gguf', dir, names.slice(0, 1), names).model?.tensors, 2);
  assert.throws(
    () => readFacts('gguf', dir, names.slice(0, 1), names.slice(0, 1)),
    /one of 2 parts/,
  );
  const two = (offset: number) =>
    tinyGguf({
      tensors: [
        { name: 'a', shape: [16] },
        { name: 'b', shape: [4], offset },
      ],
    });
  refused('gguf', two(32), /overlaps/);
  refused('gguf', two(7), /aligned/);
  refused('gguf', two(32 * 10 ** 6).subarray(0, 500), /past the end/);
  refused(
    'gguf',
    tinyGguf({ tensors: [{ name: 'a', shape: [2 ** 40, 2 ** 40] }] }).subarray(0, 300),
    /impossible/,
  );
  refused('gguf', tinyGguf({ values: { 'general.alignment': 0 } }), /alignment/);
});

test('GGUF: counts that no file can hold, arrays in arrays, twins', () => {
  const head = (tensors: bigint, pairs: bigint, rest: Buffer = Buffer.alloc(0)) =>
    Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors), u64(pairs), rest]);
  const key = Buffer.concat([u64(1), Buffer.from('k')]);
  refused('gguf', head(2n ** 40n, 0n), /tensors/);
  refused('gguf', head(0n, 2n ** 62n), /a number of/);
  const array = (...nested: Buffer[]) => Buffer.concat([key, u32(9), ...nested]);
  refused('gguf', head(0n, 1n, array(u32(8), u64(2n ** 50n))), /array/);
  refused('gguf', head(0n, 1n, array(u32(4), u64(2n ** 50n))), /bytes where/);
  const deep = Array.from({ length: 1_000 }, () => Buffer.concat([u32(9), u64(1)]));
  refused('gguf', head(0n, 1n, array(...deep)), /nest deeper/);
  refused('gguf', head(0n, 1n, Buffer.concat([key, u32(8), u64(2n ** 40n)])), /bytes where/);
  refused('gguf', head(0n, 1n, Buffer.concat([key, u32(99)])), /value type 99/);
  const pair = Buffer.concat([key, u32(4), u32(1)]);
  refused('gguf', head(0n, 2n, Buffer.concat([pair, pair])), /twice/);
  refused('gguf', Buffer.concat([Buffer.from('GGUF'), u32(9), u64(0), u64(0)]), /version 9/);
});

test('SavedModel: the signature that is served; none stated is none', () => {
  const serving = {
    inputs: { x: [1, [-1, 224, 224, 3]] as const, mask: [10, []] as const },
    outputs: { y: [9, [-1, 5]] as const },
  };
  const init = { inputs: {}, outputs: { op: [1, null] as const } };
  const read = facts(
    'saved_model',
    tinySavedModel({ serving_default: serving, other: serving, __saved_model_init_op: init }),
  );
  assert.deepEqual(read.framework, { name: 'tensorflow', version: '2.15.0' });
  assert.deepEqual(read.model?.signatures, ['serving_default', 'other']);
  assert.deepEqual(read.io?.inputs, [
    { name: 'mask', dtype: 'bool', shape: [] },
    { name: 'x', dtype: 'float32', shape: [-1, 224, 224, 3] },
  ]);
  assert.deepEqual(read.io?.outputs, [{ name: 'y', dtype: 'int64', shape: [-1, 5] }]);
  assert.deepEqual(facts('saved_model', tinySavedModel({ only: serving })).io, read.io);
  const nothing = facts('saved_model', tinySavedModel({ __saved_model_init_op: init }));
  assert.deepEqual([nothing.io, nothing.model], [null, { signatures: [] }]);
  const ragged = { inputs: { x: [1, null] as const }, outputs: {} };
  assert.equal(facts('saved_model', tinySavedModel({ a: ragged })).io, null);
  survives('saved_model', tinySavedModel({ serving_default: serving }));
});

test('TFLite: inputs and outputs of the first graph', () => {
  const model = tinyTflite([
    { name: 'image', type: 3, shape: [1, 224, 224, 3] },
    { name: 'probabilities', type: 0, shape: [1, -1] },
  ]);
  assert.deepEqual(facts('tflite', model).io, {
    inputs: [{ name: 'image', dtype: 'uint8', shape: [1, 224, 224, 3] }],
    outputs: [{ name: 'probabilities', dtype: 'float32', shape: [1, -1] }],
  });
  refused('tflite', Buffer.from('xxxxTFL3'), /past the end/);
  refused('tflite', Buffer.concat([Buffer.alloc(4), Buffer.from('TFL3')]), /offset of 0/);
  survives('tflite', model, 3_000);
});

test('ONNX: data outside must reach as far as the tensors in it', () => {
  put('o/m.onnx', tinyOnnx({ weights: [{ name: 'w', location: 'w.bin', length: 64 }] }));
  put('o/w.bin', Buffer.alloc(64));
  assert.ok(readFacts('onnx', dir, ['o/m.onnx'], []).io);
  put('o/w.bin', Buffer.alloc(63));
  assert.throws(() => readFacts('onnx', dir, ['o/m.onnx'], []), /up to byte 64; it has 63/);
  put('o/m.onnx', tinyOnnx({ weights: [{ name: 'w', location: 'w.bin', length: -5 }] }));
  assert.throws(() => readFacts('onnx', dir, ['o/m.onnx'], []), /impossible place/);
});
