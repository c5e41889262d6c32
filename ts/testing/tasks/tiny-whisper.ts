import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onnxModel } from '../onnx-builder.ts';
import { crossDecoder } from './cross-decoder.ts';
import { addedToken, longs, tokenizer, weights, width, words } from './tiny-text-model.ts';

/*
 * A model of Whisper's form with a few kilobytes of weights: it hears 30 s as 1,500 steps, and writes words, times
 * and the tokens between them. What it writes means nothing; that everybody writes the same is what tests look at.
 */
const float32 = 'float32' as const;
const bands = 80;
const frames = 3_000;
const steps = frames / 2;

const named = [
  ...['<|endoftext|>', '<|startoftranscript|>', '<|en|>', '<|de|>', '<|fr|>'],
  ...['<|translate|>', '<|transcribe|>', '<|notimestamps|>'],
];
const times = Array.from({ length: steps + 1 }, (_, at) => `<|${(at * 0.02).toFixed(2)}|>`);
const vocabulary = [...words, ...named, ...times];
const idOf = (token: string) => vocabulary.indexOf(token);

function encoder(): Buffer {
  return onnxModel({
    nodes: [
      {
        ...{ op: 'Transpose', inputs: ['input_features'], outputs: ['turned'] },
        attributes: { perm: [0, 2, 1] },
      },
      { op: 'Reshape', inputs: ['turned', 'pairs'], outputs: ['joined'] },
      { op: 'MatMul', inputs: ['joined', 'W'], outputs: ['raw'] },
      { op: 'Tanh', inputs: ['raw'], outputs: ['last_hidden_state'] },
    ],
    inputs: [{ name: 'input_features', dtype: float32, shape: ['batch', bands, frames] }],
    outputs: [{ name: 'last_hidden_state', dtype: float32, shape: ['batch', steps, width] }],
    initializers: [
      {
        ...{ name: 'W', dtype: float32, shape: [2 * bands, width] },
        data: weights(2 * bands * width, 1.3),
      },
      { name: 'pairs', dtype: 'int64', shape: [3], data: longs(0, steps, 2 * bands) },
    ],
  });
}

/** Words are likely, times together about as much, and other tokens not at all but the one that ends. */
function bias(): Float32Array {
  return Float32Array.from(vocabulary, (token) => {
    if (token === '<|endoftext|>') return -1.5;
    if (named.includes(token) || token.startsWith('[')) return -20;
    return token.startsWith('<|') ? -6 : 0;
  });
}

const special = (token: string) => addedToken(idOf(token), token);
const whisperTokenizer = {
  ...tokenizer,
  added_tokens: [
    ...[...words.slice(0, 5), ...named].map(special),
    ...times.map((token) => addedToken(idOf(token), token, false)),
  ],
  post_processor: null,
};

const tokens = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, idOf(name)]));

/** Makes the package in `folder`; answers the file of the encoder. `multilingual`: also German and French. */
export async function writeTinyWhisper(folder: string, multilingual: boolean): Promise<string> {
  const end = idOf('<|endoftext|>');
  const common = {
    ...{ decoder_start_token_id: idOf('<|startoftranscript|>'), eos_token_id: end },
    ...{ bos_token_id: end, pad_token_id: end },
  };
  const files = {
    'tokenizer.json': whisperTokenizer,
    'tokenizer_config.json': { tokenizer_class: 'WhisperTokenizer', unk_token: '[UNK]' },
    'config.json': {
      ...{ model_type: 'whisper', architectures: ['WhisperForConditionalGeneration'] },
      ...{ is_encoder_decoder: true, vocab_size: vocabulary.length, d_model: width },
      ...{ encoder_layers: 1, decoder_layers: 1, num_mel_bins: bands },
      ...{ encoder_attention_heads: 1, decoder_attention_heads: 1 },
      ...{ max_source_positions: steps, max_target_positions: 64, ...common },
    },
    'generation_config.json': {
      ...{ ...common, max_length: 40, is_multilingual: multilingual, return_timestamps: false },
      ...{ no_timestamps_token_id: idOf('<|notimestamps|>'), max_initial_timestamp_index: 50 },
      ...{ suppress_tokens: [idOf('mat')], begin_suppress_tokens: [idOf('a'), end] },
      ...(multilingual
        ? {
            lang_to_id: tokens(['<|en|>', '<|de|>', '<|fr|>']),
            task_to_id: { translate: idOf('<|translate|>'), transcribe: idOf('<|transcribe|>') },
          }
        : {}),
    },
    'preprocessor_config.json': {
      ...{ feature_extractor_type: 'WhisperFeatureExtractor', feature_size: bands },
      ...{ processor_class: 'WhisperProcessor', sampling_rate: 16_000, hop_length: 160 },
      ...{ chunk_length: 30, n_fft: 400, n_samples: 480_000, nb_max_frames: frames },
      ...{ padding_side: 'right', padding_value: 0, return_attention_mask: false },
    },
  };
  await mkdir(join(folder, 'onnx'), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), JSON.stringify(content));
  }
  const decoder = { merged: true, vocabulary: vocabulary.length, bias: bias() };
  for (const [file, model] of Object.entries({
    'encoder_model.onnx': encoder(),
    'decoder_model_merged.onnx': crossDecoder(decoder),
  })) {
    await writeFile(join(folder, file), model);
    await copyFile(join(folder, file), join(folder, 'onnx', file));
  }
  return join(folder, 'encoder_model.onnx');
}
