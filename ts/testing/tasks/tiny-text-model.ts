import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type OnnxNode, type OnnxValue, onnxModel } from '../onnx-builder.ts';

/*
 * A package as the Hugging Face libraries write it, with a model of a few kilobytes: words become vectors of
 * eight numbers, each of which then knows the mean of all. Its answers mean nothing; that everybody computes
 * the same ones is what tests look at.
 */
export const words = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  ...'hello mlos the cat sat on a mat in paris is nice very'.split(' '),
];
export const width = 8;

export type Head = 'hidden' | 'tokens' | 'sequence' | 'spans';

export function weights(count: number, seed: number): Uint8Array {
  const values = Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * seed) * 2);
  return new Uint8Array(values.buffer);
}

export function longs(...values: number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}

/** `h`: [batch, tokens, 8] of vectors that know of each other; `m`: [batch, 1, 8], their mean. */
export const body: readonly OnnxNode[] = [
  { op: 'Gather', inputs: ['E', 'input_ids'], outputs: ['h0'] },
  { op: 'Cast', inputs: ['attention_mask'], outputs: ['mask'], attributes: { to: 1 } },
  { op: 'Unsqueeze', inputs: ['mask', 'last'], outputs: ['mask3'] },
  { op: 'Mul', inputs: ['h0', 'mask3'], outputs: ['kept'] },
  { op: 'ReduceSum', inputs: ['kept', 'axis1'], outputs: ['sum'], attributes: { keepdims: 1 } },
  { op: 'ReduceSum', inputs: ['mask3', 'axis1'], outputs: ['count'], attributes: { keepdims: 1 } },
  { op: 'Div', inputs: ['sum', 'count'], outputs: ['m'] },
  { op: 'Add', inputs: ['h0', 'm'], outputs: ['added'] },
  { op: 'Tanh', inputs: ['added'], outputs: ['h'] },
];

interface Made {
  readonly nodes: readonly OnnxNode[];
  readonly outputs: readonly (readonly [string, readonly (number | string)[]])[];
}

function head(kind: Head, labels: number): Made {
  switch (kind) {
    case 'hidden':
      return {
        nodes: [{ op: 'Identity', inputs: ['h'], outputs: ['last_hidden_state'] }],
        outputs: [['last_hidden_state', ['batch', 'tokens', width]]],
      };
    case 'tokens':
      return {
        nodes: [{ op: 'MatMul', inputs: ['h', 'W'], outputs: ['logits'] }],
        outputs: [['logits', ['batch', 'tokens', labels]]],
      };
    case 'sequence':
      return {
        nodes: [
          { op: 'MatMul', inputs: ['m', 'W'], outputs: ['l3'] },
          { op: 'Squeeze', inputs: ['l3', 'axis1'], outputs: ['logits'] },
        ],
        outputs: [['logits', ['batch', labels]]],
      };
    case 'spans':
      return {
        nodes: [
          { op: 'MatMul', inputs: ['h', 'W'], outputs: ['two'] },
          { op: 'Split', inputs: ['two', 'ones'], outputs: ['s3', 'e3'], attributes: { axis: 2 } },
          { op: 'Squeeze', inputs: ['s3', 'last'], outputs: ['start_logits'] },
          { op: 'Squeeze', inputs: ['e3', 'last'], outputs: ['end_logits'] },
        ],
        outputs: [
          ['start_logits', ['batch', 'tokens']],
          ['end_logits', ['batch', 'tokens']],
        ],
      };
  }
}

function model(kind: Head, labels: number): Buffer {
  const { nodes, outputs } = head(kind, labels);
  const ids = ['input_ids', 'attention_mask'].map(
    (name): OnnxValue => ({ name, dtype: 'int64', shape: ['batch', 'tokens'] }),
  );
  const float32 = 'float32' as const;
  const int64 = 'int64' as const;
  return onnxModel({
    nodes: [...body, ...nodes],
    inputs: ids,
    outputs: outputs.map(([name, shape]) => ({ name, dtype: float32, shape })),
    initializers: [
      {
        name: 'E',
        dtype: float32,
        shape: [words.length, width],
        data: weights(words.length * width, 1.7),
      },
      { name: 'W', dtype: float32, shape: [width, labels], data: weights(width * labels, 0.9) },
      { name: 'last', dtype: int64, shape: [1], data: longs(2) },
      { name: 'axis1', dtype: int64, shape: [1], data: longs(1) },
      { name: 'ones', dtype: int64, shape: [2], data: longs(1, 1) },
    ],
  });
}

export function addedToken(id: number, content: string, special = true) {
  const flags = {
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special,
  };
  return { id, content, ...flags };
}

export const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: words.slice(0, 5).map((word, id) => addedToken(id, word)),
  normalizer: {
    ...{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true },
    ...{ strip_accents: null, lowercase: true },
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'BertProcessing',
    ...{ sep: ['[SEP]', 3], cls: ['[CLS]', 2] },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##' },
    ...{ max_input_chars_per_word: 100 },
    vocab: Object.fromEntries(words.map((word, id) => [word, id])),
  },
};

export interface TinyText {
  readonly head: Head;
  readonly architecture: string;
  /** Names of the labels; the words of the tokenizer for a model that fills gaps. */
  readonly labels?: readonly string[];
  /** Further files, by name. */
  readonly files?: Readonly<Record<string, unknown>>;
}

/** Makes the package in `folder`; answers the model file. The library finds the same file as onnx/model.onnx. */
export async function writeTinyText(folder: string, about: TinyText): Promise<string> {
  const { labels = words } = about;
  const config = {
    ...{ model_type: 'bert', architectures: [about.architecture], hidden_size: width },
    id2label: Object.fromEntries(labels.map((label, id) => [id, label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
  };
  const made = model(about.head, about.head === 'spans' ? 2 : labels.length);
  return writePackage(folder, { 'config.json': config, ...about.files }, made);
}

export const tokenizerFiles = {
  'tokenizer.json': tokenizer,
  'tokenizer_config.json': {
    ...{ tokenizer_class: 'BertTokenizer', model_max_length: 32, do_lower_case: true },
    ...{ pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]' },
    ...{ sep_token: '[SEP]', mask_token: '[MASK]' },
  },
};

/** Files of JSON beside a tokenizer of the words, and the model file, which it answers. */
export async function writePackage(
  folder: string,
  files: Readonly<Record<string, unknown>>,
  model: Uint8Array,
): Promise<string> {
  for (const [name, content] of Object.entries({ ...tokenizerFiles, ...files })) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), JSON.stringify(content));
  }
  return writeModel(folder, model);
}

/** Where both we and the library look; answers the file. */
export async function writeModel(folder: string, model: Uint8Array): Promise<string> {
  await mkdir(join(folder, 'onnx'), { recursive: true });
  const file = join(folder, 'model.onnx');
  await writeFile(file, model);
  await copyFile(file, join(folder, 'onnx/model.onnx'));
  return file;
}
