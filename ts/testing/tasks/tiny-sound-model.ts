import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type OnnxNode, onnxModel } from '../onnx-builder.ts';
import { longs, writeModel } from './tiny-text-model.ts';
import { letters, pitchOf, sampleRate } from './tones.ts';

/*
 * Packages of sound as the Hugging Face libraries write them, with models of a few kilobytes that hear tones:
 * how strong each letter's tone is in a frame of 20 ms.
 */
const frame = 320;
const float32 = 'float32' as const;
/** Nothing is heard where no tone is this strong, of a recording whose mean power is 1. */
const silence = 0.3;

/** Nothing, then the letters: a filter for each, of one phase and of the other. */
const filters = ['', ...letters];

function filterBank(phase: number): Uint8Array {
  const values = filters.flatMap((letter) =>
    Array.from({ length: frame }, (_, at) => {
      if (letter === '') return 0;
      const angle = (2 * Math.PI * pitchOf(letter) * at) / sampleRate;
      return (2 / frame) * Math.sin(angle + phase);
    }),
  );
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** `power`: [batch, 1 + letters, frames]. */
const hear: readonly OnnxNode[] = [
  { op: 'Unsqueeze', inputs: ['input_values', 'axis1'], outputs: ['wave'] },
  ...['sin', 'cos'].flatMap((name): OnnxNode[] => [
    {
      ...{ op: 'Conv', inputs: ['wave', name], outputs: [`${name}1`] },
      attributes: { strides: [frame] },
    },
    { op: 'Mul', inputs: [`${name}1`, `${name}1`], outputs: [`${name}2`] },
  ]),
  { op: 'Add', inputs: ['sin2', 'cos2'], outputs: ['tones'] },
  { op: 'Add', inputs: ['tones', 'bias'], outputs: ['power'] },
];

function model(speaks: boolean): Buffer {
  const count = filters.length;
  const bias = Float32Array.from(filters, (letter) => (letter === '' ? silence : 0));
  const bank = (name: string, phase: number) => {
    return { name, dtype: float32, shape: [count, 1, frame], data: filterBank(phase) };
  };
  const head: readonly OnnxNode[] = speaks
    ? [
        {
          ...{ op: 'Transpose', inputs: ['power'], outputs: ['logits'] },
          attributes: { perm: [0, 2, 1] },
        },
      ]
    : [
        { op: 'GlobalAveragePool', inputs: ['power'], outputs: ['mean'] },
        { op: 'Flatten', inputs: ['mean'], outputs: ['logits'] },
      ];
  return onnxModel({
    nodes: [...hear, ...head],
    inputs: [{ name: 'input_values', dtype: float32, shape: ['batch', 'samples'] }],
    outputs: [
      {
        ...{ name: 'logits', dtype: float32 },
        shape: speaks ? ['batch', 'frames', count] : ['batch', count],
      },
    ],
    initializers: [
      bank('sin', 0),
      bank('cos', Math.PI / 2),
      { name: 'bias', dtype: float32, shape: [count, 1], data: new Uint8Array(bias.buffer) },
      { name: 'axis1', dtype: 'int64', shape: [1], data: longs(1) },
    ],
  });
}

const vocabulary = ['<pad>', ...letters, '|', '<unk>'];
const tokenizer = {
  ...{ version: '1.0', truncation: null, padding: null, normalizer: null },
  added_tokens: ['<pad>', '<unk>'].map((content) => {
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    // Were nothing a special token, two of the same letter could not follow each other.
    return { id: vocabulary.indexOf(content), content, ...flags, special: false };
  }),
  pre_tokenizer: { type: 'Split', pattern: { Regex: '' }, behavior: 'Isolated', invert: false },
  post_processor: null,
  decoder: { type: 'CTC', pad_token: '<pad>', word_delimiter_token: '|', cleanup: true },
  model: {
    ...{ type: 'BPE', merges: [], unk_token: '<unk>' },
    vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
  },
};

/** speech: a CTC model; sounds: a classifier of whole recordings. */
export async function writeTinySound(folder: string, kind: 'speech' | 'sounds'): Promise<string> {
  const speaks = kind === 'speech';
  const config = {
    model_type: 'wav2vec2',
    architectures: [speaks ? 'Wav2Vec2ForCTC' : 'Wav2Vec2ForSequenceClassification'],
    ...(speaks
      ? {}
      : { id2label: Object.fromEntries(filters.map((letter, id) => [id, letter || 'silence'])) }),
  };
  const files: Readonly<Record<string, unknown>> = {
    'config.json': config,
    'preprocessor_config.json': {
      ...{ feature_extractor_type: 'Wav2Vec2FeatureExtractor', feature_size: 1 },
      ...{ do_normalize: true, return_attention_mask: false, sampling_rate: sampleRate },
      ...{ padding_side: 'right', padding_value: 0 },
    },
    ...(speaks
      ? {
          'tokenizer.json': tokenizer,
          'tokenizer_config.json': {
            ...{ tokenizer_class: 'Wav2Vec2CTCTokenizer', pad_token: '<pad>' },
            ...{ unk_token: '<unk>', word_delimiter_token: '|' },
          },
        }
      : {}),
  };
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), JSON.stringify(content));
  }
  return writeModel(folder, model(speaks));
}
