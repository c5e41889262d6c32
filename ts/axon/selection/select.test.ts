import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AxonError } from '../axon-error.ts';
import { matchesAny } from './glob.ts';
import { type Selection, type SelectOptions, selectFiles } from './select.ts';

const none: SelectOptions = {
  include: [],
  exclude: [],
  all: false,
  allowCode: false,
  format: null,
  variant: null,
};

function select(
  paths: readonly string[],
  options: Partial<SelectOptions> = {},
  tags: readonly string[] = [],
): Selection {
  const files = paths.map((path) => ({ path, size: 1, expected: null }));
  return selectFiles(files, { ...none, ...options }, { label: 'it', tags });
}

function choose(paths: readonly string[], options: Partial<SelectOptions> = {}): string[] {
  return select(paths, options).files.map((file) => file.path);
}

function leftOut(paths: readonly string[], options: Partial<SelectOptions> = {}): object {
  return Object.fromEntries(select(paths, options).leftOut.map(({ path, why }) => [path, why]));
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
  assert.deepEqual(choose(repo, { include: ['*.png', 'model.onnx'] }), ['pic.png', 'model.onnx']);
  for (const variant of ['fp32', 'plain'])
    assert.deepEqual(choose(repo, { variant }), choose(repo));
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
  assert.deepEqual(choose(['saved_model.pb', 'keras_metadata.pb', 'other/x.txt']), [
    'saved_model.pb',
    'keras_metadata.pb',
  ]);
  refusedWith('NO_MODEL', () => choose(['readme.txt']), /readme\.txt/);
  refusedWith('NO_MODEL', () => choose(['a.onnx'], { exclude: ['*.onnx'] }));
});

test('ONNX: what works together is taken together, in one dtype where it is there', () => {
  const vision = [
    'config.json',
    'onnx/decoder_model_merged_q4.onnx',
    'onnx/embed_tokens.onnx',
    'onnx/embed_tokens_q4.onnx',
    'onnx/vision_encoder.onnx',
    'onnx/decoder_model_merged.onnx',
  ];
  assert.deepEqual(choose(vision, { variant: 'q4' }), [
    'config.json',
    'onnx/decoder_model_merged_q4.onnx',
    'onnx/embed_tokens_q4.onnx',
    'onnx/vision_encoder.onnx',
  ]);
  assert.deepEqual(select(vision).run, [
    'onnx/embed_tokens.onnx',
    'onnx/decoder_model_merged.onnx',
    'onnx/vision_encoder.onnx',
  ]);
  refusedWith('AMBIGUOUS', () =>
    choose(['encoder_model.onnx', 'decoder_model_merged_q4.onnx'], { variant: 'int8' }),
  );
  refusedWith(
    'NO_MODEL',
    () => choose(['encoder_model_fp16.onnx', 'decoder_model_q4.onnx']),
    /decoder_model is missing/,
  );
  assert.deepEqual(choose(['a/model.onnx', 'model.onnx', 'model_fp16.onnx']), ['model.onnx']);
  assert.deepEqual(choose(['model_fp16.onnx', 'model_q4.onnx']), ['model_fp16.onnx']);
});

test('weights: usual names first, a second copy stays, shards and their index', () => {
  const mistral = [
    'consolidated.safetensors',
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors.index.json',
    'params.json',
    'pytorch_model.bin',
    'optimizer.pt',
  ];
  assert.deepEqual(choose(mistral), mistral.slice(1, 4));
  assert.deepEqual(choose([mistral[0] ?? '', 'params.json']), [mistral[0], 'params.json']);
  assert.deepEqual(choose(mistral, { exclude: ['*.safetensors'] }), ['pytorch_model.bin']);
  refusedWith('NO_MODEL', () => choose(['optimizer.pt']));
  const variants = ['model.fp16.safetensors', 'model.safetensors', 'adapter_model.safetensors'];
  assert.deepEqual(choose(variants), ['model.safetensors']);
  assert.deepEqual(choose(variants, { variant: 'fp16' }), ['model.fp16.safetensors']);
  const sharded = ['m.fp16-00001-of-00002.safetensors', 'm-00002-of-00002.fp16.safetensors'];
  assert.deepEqual(choose(sharded, { variant: 'fp16' }), sharded);
  refusedWith(
    'NO_MODEL',
    () => choose(['x-00001-of-00003.safetensors', 'x-00003-of-00003.safetensors']),
    /part 2 of 3 is missing/,
  );
  refusedWith('NO_MODEL', () => choose(['x-00000-of-00000.safetensors']));
  refusedWith('NO_MODEL', () => choose(['x-00001-of-99999.gguf']), /part 2, 3, 4, … of 99999/);
});

test('a diffusion pipeline is one model, of safetensors or of ONNX', () => {
  const pipeline = [
    'model_index.json',
    'scheduler/scheduler_config.json',
    'tokenizer/vocab.json',
    'unet/config.json',
    'unet/diffusion_pytorch_model.fp16.safetensors',
    'unet/diffusion_pytorch_model.safetensors',
    'vae/diffusion_pytorch_model.safetensors',
    'text_encoder/model.safetensors',
    'unet/diffusion_pytorch_model.bin',
    'v1-5-pruned.safetensors',
    'samples/a.png',
  ];
  assert.deepEqual(choose(pipeline), [...pipeline.slice(0, 4), ...pipeline.slice(5, 8)]);
  assert.deepEqual(select(pipeline, { variant: 'fp16' }).run, [
    'text_encoder/model.safetensors',
    'unet/diffusion_pytorch_model.fp16.safetensors',
    'vae/diffusion_pytorch_model.safetensors',
  ]);
  refusedWith(
    'NO_MODEL',
    () => choose(['model_index.json', 'unet/model.fp16.safetensors', 'vae/model.fp8.safetensors']),
    /unet\/ are missing/,
  );
  const onnx = [
    'model_index.json',
    'unet/model.onnx',
    'unet/model.onnx_data',
    'vae_decoder/model.onnx',
  ];
  assert.deepEqual(choose(onnx), onnx);
});

test('folders: a SavedModel is whole or not there; what sentence-transformers adds comes along', () => {
  const saved = ['a/saved_model.pb', 'a/variables/variables.index'];
  refusedWith('NO_MODEL', () => choose(saved), /variables\/ has 0 of its data files/);
  const whole = [...saved, 'a/variables/variables.data-00000-of-00001', 'a/assets/vocab.txt'];
  assert.deepEqual(choose([...whole, 'b/x.txt']), whole);
  const sentences = ['modules.json', '1_Pooling/config.json', 'model.safetensors', 'x/config.json'];
  assert.deepEqual(choose(sentences), sentences.slice(0, 3));
  assert.deepEqual(choose(['config.json', 'metadata.json', 'model.weights.h5']), [
    'config.json',
    'metadata.json',
    'model.weights.h5',
  ]);
});

test('the format: ONNX before weights before GGUF, unless the source is for llama.cpp', () => {
  const repo = ['m-Q4_K_M.gguf', 'model.safetensors', 'pytorch_model.bin'];
  assert.equal(select(repo).format, 'safetensors');
  assert.equal(select(repo, {}, ['llama.cpp']).format, 'gguf');
  assert.match(select(repo).rule, /^format safetensors \(first of safetensors, gguf, pytorch\)/);
  assert.match(select(repo, { format: 'gguf' }).rule, /gguf \(--format\), variant Q4_K_M/);
});

test('what is left out says why, and which flag takes it', () => {
  const repo = [
    'model.onnx',
    'model_q4.onnx',
    'sub/model.onnx',
    'model.safetensors',
    'x-00001-of-00002.gguf',
    'modeling.py',
    'pic.png',
    'secret.bin',
  ];
  assert.deepEqual(leftOut(repo, { exclude: ['secret*'] }), {
    'model_q4.onnx': 'another variant; --variant q4',
    'sub/model.onnx': 'in another folder; --include',
    'model.safetensors': 'another format; --format safetensors',
    'x-00001-of-00002.gguf': 'incomplete: part 2 of 2 is missing',
    'modeling.py': 'code; only with --allow-code',
    'pic.png': 'not needed to run the model',
    'secret.bin': 'matches --exclude',
  });
  assert.deepEqual(leftOut(repo, { all: true }), { 'modeling.py': 'code; only with --allow-code' });
  assert.deepEqual(leftOut(repo, { all: true, allowCode: true }), {});
  assert.deepEqual(choose(repo, { allowCode: true }), ['model.onnx', 'modeling.py']);
  refusedWith('NO_MODEL', () => choose(repo, { include: ['*.py'] }), /--allow-code/);
});

test('ten thousand names, and names made to be slow, are planned at once', () => {
  const deep = 'a/'.repeat(500);
  const lists: readonly string[][] = [
    ['model', 'encoder_model', 'x'].flatMap((name) =>
      Array.from({ length: 3_400 }, (_, i) => `${name}${i % 7}/${name}_${i}.onnx`),
    ),
    Array.from({ length: 10_000 }, (_, i) => `m-${String(i + 1).padStart(5, '0')}-of-10000.gguf`),
    Array.from({ length: 10_000 }, (_, i) => `${i}/saved_model.pb`),
    Array.from({ length: 10_000 }, (_, i) => `${deep.slice(0, 2 * (i % 500))}${i}.safetensors`),
    Array.from({ length: 500 }, (_, i) => `${deep.slice(0, 2 * i)}saved_model.pb`),
    Array.from({ length: 10_000 }, (_, i) => `model.safetensors.index.${i}.json`),
    Array.from({ length: 10_000 }, (_, i) => `${'_q4'.repeat(330)}${i}.onnx`),
    Array.from({ length: 1_000 }, (_, i) => `${'.onnx_data'.repeat(100)}${i}`),
    ['x'.repeat(5_000_000), `${'-00001-of-00002'.repeat(60)}.gguf`],
  ];
  for (const names of lists)
    assert.doesNotThrow(() =>
      select([...names, 'model.onnx'], { format: 'onnx', include: ['model.onnx'] }),
    );
  for (const names of lists) {
    const all = select([...names, 'onnx/model.onnx']);
    assert.deepEqual(all.run, ['onnx/model.onnx']);
    assert.ok(all.leftOut.length > 0);
  }
});

test('globs: a star crosses slashes, a final slash takes the folder, time stays bounded', () => {
  assert.ok(
    matchesAny('a/b/c.onnx', ['*.onnx']) && matchesAny('a/b', ['a/']) && matchesAny('ab', ['a?']),
  );
  assert.ok(!matchesAny('a.onnx', ['*.gguf', 'A.onnx', '']));
  assert.ok(!matchesAny('a'.repeat(1_000), [`${'*a'.repeat(500)}b`]));
});
