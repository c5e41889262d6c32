import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type OnnxNode, type OnnxValue, onnxModel } from '../onnx-builder.ts';
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

/** Keys and values: with a past they are what it was and what is new, without one what is new. */
function cache(merged: boolean): OnnxNode[] {
  const parts = ['key', 'value'].flatMap((part): OnnxNode[] => {
    const joined = (side: string, added: string): OnnxNode =>
      merged
        ? {
            ...{ op: 'Concat', attributes: { axis: 2 } },
            inputs: [`past_key_values.0.${side}.${part}`, added],
            outputs: [`present.0.${side}.${part}`],
          }
        : { op: 'Identity', inputs: [added], outputs: [`present.0.${side}.${part}`] };
    return [joined('decoder', 'e4'), joined('encoder', merged ? 'new4' : 'enc4')];
  });
  if (!merged) return parts;
  return [
    // With a past the encoder's is in it: nothing is new.
    { op: 'Not', inputs: ['use_cache_branch'], outputs: ['begins'] },
    { op: 'Cast', inputs: ['begins'], outputs: ['begins1'], attributes: { to: 7 } },
    { op: 'Shape', inputs: ['encoder_hidden_states'], outputs: ['shape'] },
    { op: 'Gather', inputs: ['shape', 'axis1'], outputs: ['length'] },
    { op: 'Mul', inputs: ['length', 'begins1'], outputs: ['end'] },
    { op: 'Slice', inputs: ['enc4', 'zero', 'end', 'axis2'], outputs: ['new4'] },
    ...parts,
  ];
}

function decoder(merged: boolean): Buffer {
  const states = (prefix: string, time: string): OnnxValue[] =>
    ['decoder', 'encoder'].flatMap((side) =>
      ['key', 'value'].map((part) => {
        const name = `${prefix}.0.${side}.${part}`;
        return { name, dtype: float32, shape: ['batch', 1, `${side} ${time}`, width] };
      }),
    );
  return onnxModel({
    nodes: [
      { op: 'Gather', inputs: ['E', 'input_ids'], outputs: ['e'] },
      { op: 'Unsqueeze', inputs: ['e', 'axis1'], outputs: ['e4'] },
      { op: 'Unsqueeze', inputs: ['encoder_hidden_states', 'axis1'], outputs: ['enc4'] },
      ...cache(merged),
      {
        ...{ op: 'ReduceMean', inputs: ['present.0.decoder.key'], outputs: ['own'] },
        attributes: { axes: [2], keepdims: 1 },
      },
      {
        ...{ op: 'ReduceMean', inputs: ['present.0.encoder.value'], outputs: ['read'] },
        attributes: { axes: [2], keepdims: 1 },
      },
      { op: 'Add', inputs: ['own', 'read'], outputs: ['context'] },
      { op: 'Add', inputs: ['e4', 'context'], outputs: ['sum'] },
      { op: 'Tanh', inputs: ['sum'], outputs: ['x4'] },
      { op: 'Squeeze', inputs: ['x4', 'axis1'], outputs: ['x'] },
      { op: 'MatMul', inputs: ['x', 'W'], outputs: ['logits'] },
    ],
    inputs: [
      { name: 'input_ids', dtype: int64, shape: ['batch', 'tokens'] },
      { name: 'encoder_hidden_states', dtype: float32, shape: ['batch', 'read', width] },
      ...(merged
        ? [
            { name: 'use_cache_branch', dtype: 'bool' as const, shape: [1] },
            ...states('past_key_values', 'past'),
          ]
        : []),
    ],
    outputs: [
      { name: 'logits', dtype: float32, shape: ['batch', 'tokens', words.length] },
      ...states('present', 'total'),
    ],
    initializers: [
      { name: 'E', dtype: float32, shape: [words.length, width], data: embeddings(2.3) },
      { name: 'W', dtype: float32, shape: [width, words.length], data: embeddings(0.9) },
      { name: 'axis1', dtype: int64, shape: [1], data: longs(1) },
      { name: 'axis2', dtype: int64, shape: [1], data: longs(2) },
      { name: 'zero', dtype: int64, shape: [1], data: longs(0) },
    ],
  });
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
    [name]: decoder(merged),
  })) {
    await writeFile(join(folder, file), model);
    await copyFile(join(folder, file), join(folder, 'onnx', file));
  }
  return join(folder, 'encoder_model.onnx');
}
