import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onnxModel } from '../onnx-builder.ts';
import { crossDecoder } from './cross-decoder.ts';
import { body, longs, tokenizerFiles, weights, width, words } from './tiny-text-model.ts';

/*
 * An encoder and a decoder of a few kilobytes, in two files as exporters of the field write them. The decoder sees
 * the mean of what the encoder made, and that of its own text.
 */
const float32 = 'float32' as const;
const int64 = 'int64' as const;

function encoder(): Buffer {
  return onnxModel({
    nodes: [...body, { op: 'Identity', inputs: ['h'], outputs: ['last_hidden_state'] }],
    inputs: ['input_ids', 'attention_mask'].map((name) => {
      return { name, dtype: int64, shape: ['batch', 'tokens'] };
    }),
    outputs: [{ name: 'last_hidden_state', dtype: float32, shape: ['batch', 'tokens', width] }],
    initializers: [
      { name: 'E', dtype: float32, shape: [words.length, width], data: embeddings(1.7) },
      { name: 'last', dtype: int64, shape: [1], data: longs(2) },
      { name: 'axis1', dtype: int64, shape: [1], data: longs(1) },
    ],
  });
}

function embeddings(seed: number): Uint8Array {
  return weights(words.length * width, seed);
}

/** Makes the package in `folder`; answers the file of the encoder. `merged`: keys and values stay. */
export async function writeTinyRewriter(folder: string, merged: boolean): Promise<string> {
  const config = {
    ...{ model_type: 't5', architectures: ['T5ForConditionalGeneration'] },
    ...{ is_encoder_decoder: true, vocab_size: words.length, d_model: width, d_kv: width },
    ...{ num_layers: 1, num_decoder_layers: 1, num_heads: 1, n_positions: 64 },
    ...{ decoder_start_token_id: 0, pad_token_id: 0, eos_token_id: 4 },
  };
  await mkdir(join(folder, 'onnx'), { recursive: true });
  for (const [name, content] of Object.entries({ ...tokenizerFiles, 'config.json': config })) {
    await writeFile(join(folder, name), JSON.stringify(content));
  }
  const name = merged ? 'decoder_model_merged.onnx' : 'decoder_model.onnx';
  for (const [file, model] of Object.entries({
    'encoder_model.onnx': encoder(),
    [name]: crossDecoder({ merged, vocabulary: words.length }),
  })) {
    await writeFile(join(folder, file), model);
    await copyFile(join(folder, file), join(folder, 'onnx', file));
  }
  return join(folder, 'encoder_model.onnx');
}
