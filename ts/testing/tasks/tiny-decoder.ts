import { type OnnxNode, type OnnxValue, onnxModel } from '../onnx-builder.ts';
import { longs, width as tinyWidth, weights, words, writePackage } from './tiny-text-model.ts';

/*
 * A model that goes on with a text, of a few kilobytes: each word's logits follow from the sum of the words up
 * to it. Keys are the vectors of what was read, values are the same once more, so that a step without the right
 * past answers something else. Made like an export of GPT-2 with one layer and one head.
 */
const float32 = 'float32' as const;
const int64 = 'int64' as const;

function pastNodes(): OnnxNode[] {
  return [
    {
      op: 'Concat',
      inputs: ['past_key_values.0.key', 'e4'],
      outputs: ['present.0.key'],
      attributes: { axis: 2 },
    },
    {
      op: 'Concat',
      inputs: ['past_key_values.0.value', 'e4'],
      outputs: ['present.0.value'],
      attributes: { axis: 2 },
    },
    { op: 'CumSum', inputs: ['present.0.value', 'time'], outputs: ['sums'] },
    // Those of the new tokens are the last ones.
    { op: 'Shape', inputs: ['input_ids'], outputs: ['shape'] },
    { op: 'Gather', inputs: ['shape', 'axis1'], outputs: ['count'] },
    { op: 'Neg', inputs: ['count'], outputs: ['from'] },
    { op: 'Slice', inputs: ['sums', 'from', 'end', 'axis2'], outputs: ['sum'] },
  ];
}

function nodes(keepsPast: boolean): OnnxNode[] {
  return [
    { op: 'Gather', inputs: ['E', 'input_ids'], outputs: ['e'] },
    { op: 'Unsqueeze', inputs: ['e', 'axis1'], outputs: ['e4'] },
    ...(keepsPast ? pastNodes() : [{ op: 'CumSum', inputs: ['e4', 'time'], outputs: ['sum'] }]),
    { op: 'Sin', inputs: ['sum'], outputs: ['h4'] },
    { op: 'Squeeze', inputs: ['h4', 'axis1'], outputs: ['h'] },
    { op: 'MatMul', inputs: ['h', 'W'], outputs: ['raw'] },
    { op: 'Add', inputs: ['raw', 'B'], outputs: ['logits'] },
  ];
}

/** Words only; the text is hardly ever at its end. */
function bias(vocabulary: number): Uint8Array {
  const isWord = (id: number) => id < words.length && !words[id]?.startsWith('[');
  const values = Float32Array.from({ length: vocabulary }, (_, id) => (isWord(id) ? 0 : -100));
  return new Uint8Array(values.buffer);
}

function decoder({ keepsPast, width, vocabulary }: Sizes): Buffer {
  const cache = (name: string, time: string): OnnxValue[] =>
    ['key', 'value'].map((part) => {
      return { name: `${name}.0.${part}`, dtype: float32, shape: ['batch', 1, time, width] };
    });
  return onnxModel({
    nodes: nodes(keepsPast),
    inputs: [
      { name: 'input_ids', dtype: int64, shape: ['batch', 'tokens'] },
      { name: 'attention_mask', dtype: int64, shape: ['batch', 'total'] },
      ...(keepsPast ? cache('past_key_values', 'past') : []),
    ],
    outputs: [
      { name: 'logits', dtype: float32, shape: ['batch', 'tokens', vocabulary] },
      ...(keepsPast ? cache('present', 'total') : []),
    ],
    initializers: [
      {
        name: 'E',
        dtype: float32,
        shape: [vocabulary, width],
        data: weights(vocabulary * width, 1.7),
      },
      {
        name: 'W',
        dtype: float32,
        shape: [width, vocabulary],
        data: weights(width * vocabulary, 0.9),
      },
      { name: 'B', dtype: float32, shape: [vocabulary], data: bias(vocabulary) },
      { name: 'axis1', dtype: int64, shape: [1], data: longs(1) },
      { name: 'axis2', dtype: int64, shape: [1], data: longs(2) },
      { name: 'end', dtype: int64, shape: [1], data: longs(2 ** 31) },
      { name: 'time', dtype: int64, shape: [], data: longs(2) },
    ],
  });
}

interface Sizes {
  readonly keepsPast: boolean;
  readonly width: number;
  readonly vocabulary: number;
}

export interface TinyDecoder {
  /** false: the whole text is read again for every token. */
  readonly keepsPast?: boolean;
  /** Numbers of a word's vector, and words, of which all but the tokenizer's are never said. */
  readonly width?: number;
  readonly vocabulary?: number;
  /** Tokens of prompt and answer together. */
  readonly context?: number;
  /** Further files, by name. */
  readonly files?: Readonly<Record<string, unknown>>;
}

/** Tokens of prompt and answer together. */
export const tinyContext = 64;

/** Makes the package in `folder`; answers the model file. The library finds the same file as onnx/model.onnx. */
export function writeTinyDecoder(folder: string, about: TinyDecoder = {}): Promise<string> {
  const { keepsPast = true, width = tinyWidth, vocabulary = words.length } = about;
  const config = {
    ...{ model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], vocab_size: vocabulary },
    ...{ n_embd: width, n_head: 1, n_layer: 1, n_positions: about.context ?? tinyContext },
    ...{ bos_token_id: 2, eos_token_id: 4 },
  };
  const files = { 'config.json': config, ...about.files };
  return writePackage(folder, files, decoder({ keepsPast, width, vocabulary }));
}
