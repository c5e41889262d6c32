import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AxonError } from '../axon-error.ts';
import { matchesAny } from './glob.ts';
import { type SelectOptions, selectFiles } from './select.ts';

const none: SelectOptions = { include: [], exclude: [], format: null, variant: null };

function choose(paths: readonly string[], options: Partial<SelectOptions> = {}): string[] {
  const files = paths.map((path) => ({ path, size: 1, expected: null }));
  return selectFiles(files, { ...none, ...options }, 'it').files.map((file) => file.path);
}

function refusedWith(code: string, run: () => unknown, says = /./): void {
  assert.throws(
    run,
    (error) => error instanceof AxonError && error.code === code && says.test(error.message),
  );
}

test('ONNX: the folder onnx/ first, one variant, its data, the side files', () => {
  const repo = [
    'README.md',
    'config.json',
    'pic.png',
    'model.onnx',
    'onnx/model.onnx',
    'onnx/model.onnx_data',
    'onnx/model.onnx_data_1',
    'onnx/model_q4.onnx',
    'onnx/model_q4.onnx_data',
    'model.safetensors',
    'run.py',
  ];
  assert.deepEqual(choose(repo), [
    'README.md',
    'config.json',
    'onnx/model.onnx',
    'onnx/model.onnx_data',
    'onnx/model.onnx_data_1',
  ]);
  assert.deepEqual(choose(repo, { variant: 'q4' }), [
    'README.md',
    'config.json',
    'onnx/model_q4.onnx',
    'onnx/model_q4.onnx_data',
  ]);
  assert.deepEqual(choose(repo, { format: 'safetensors' }), [
    'README.md',
    'config.json',
    'model.safetensors',
  ]);
  assert.deepEqual(choose(repo, { include: ['*.py', 'model.onnx'] }), ['model.onnx', 'run.py']);
  refusedWith('AMBIGUOUS', () => choose(repo, { variant: 'int8' }), /int8/);
});

test('ONNX: sessions that belong together, and those that do not', () => {
  const t5 = [
    'onnx/encoder_model.onnx',
    'onnx/decoder_model.onnx',
    'onnx/decoder_with_past_model.onnx',
    'onnx/decoder_model_merged.onnx',
  ];
  assert.deepEqual(choose(t5), ['onnx/encoder_model.onnx', 'onnx/decoder_model_merged.onnx']);
  refusedWith(
    'AMBIGUOUS',
    () => choose(['det.onnx', 'rec.onnx']),
    /det\.onnx, rec\.onnx.*--include/,
  );
  refusedWith('AMBIGUOUS', () => choose(['m_q4.onnx', 'm_int8.onnx']), /--variant <int8\|q4>/);
});

test('GGUF: the usual quantisation, all shards, the vision part', () => {
  const repo = ['a-Q8_0.gguf', 'a-Q4_K_M.gguf', 'a-imatrix.gguf', 'mmproj-a.gguf'];
  assert.deepEqual(choose(repo), ['a-Q4_K_M.gguf', 'mmproj-a.gguf']);
  assert.deepEqual(choose(repo, { variant: 'q8_0' }), ['a-Q8_0.gguf', 'mmproj-a.gguf']);
  refusedWith('AMBIGUOUS', () => choose(['a-Q8_0.gguf', 'a-Q5_K_M.gguf']), /--variant/);
  const shards = ['b-F16-00001-of-00002.gguf', 'b-F16-00002-of-00002.gguf'];
  assert.deepEqual(choose(shards), shards);
  refusedWith('NO_MODEL', () => choose(shards.slice(1)), /incomplete/);
});

test('others: shards of safetensors, a SavedModel, nothing at all', () => {
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  assert.deepEqual(choose([...shards, 'pytorch_model.bin']), shards);
  assert.deepEqual(choose(['saved_model.pb', 'variables/variables.index', 'other/x.txt']), [
    'saved_model.pb',
    'variables/variables.index',
  ]);
  refusedWith('NO_MODEL', () => choose(['readme.txt']), /readme\.txt/);
  refusedWith('NO_MODEL', () => choose(['a.onnx'], { exclude: ['*.onnx'] }));
});

test('globs: a star crosses slashes, a final slash takes the folder, time stays bounded', () => {
  assert.ok(
    matchesAny('a/b/c.onnx', ['*.onnx']) && matchesAny('a/b', ['a/']) && matchesAny('ab', ['a?']),
  );
  assert.ok(!matchesAny('a.onnx', ['*.gguf', 'A.onnx', '']));
  assert.ok(!matchesAny('a'.repeat(1_000), [`${'*a'.repeat(500)}b`]));
});
