import { type OnnxNode, type OnnxValue, onnxModel } from '../onnx-builder.ts';
import { longs, weights, width } from './tiny-text-model.ts';

/*
 * A decoder of a few kilobytes that sees the mean of what an encoder made, and that of its own text, as exporters of
 * the field write it.
 */
const float32 = 'float32' as const;
const int64 = 'int64' as const;

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

export interface CrossDecoder {
  /** Keys and values stay. */
  readonly merged: boolean;
  readonly vocabulary: number;
  /** Added to the logits; none where it is left out. */
  readonly bias?: Float32Array;
}

/** input_ids and encoder_hidden_states → logits. */
export function crossDecoder({ merged, vocabulary, bias }: CrossDecoder): Buffer {
  const numbers = (seed: number) => weights(vocabulary * width, seed);
  const added = new Uint8Array((bias ?? new Float32Array(vocabulary)).buffer);
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
      { op: 'MatMul', inputs: ['x', 'W'], outputs: ['raw'] },
      { op: 'Add', inputs: ['raw', 'B'], outputs: ['logits'] },
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
      { name: 'logits', dtype: float32, shape: ['batch', 'tokens', vocabulary] },
      ...states('present', 'total'),
    ],
    initializers: [
      { name: 'E', dtype: float32, shape: [vocabulary, width], data: numbers(2.3) },
      { name: 'W', dtype: float32, shape: [width, vocabulary], data: numbers(0.9) },
      { name: 'B', dtype: float32, shape: [vocabulary], data: added },
      { name: 'axis1', dtype: int64, shape: [1], data: longs(1) },
      { name: 'axis2', dtype: int64, shape: [1], data: longs(2) },
      { name: 'zero', dtype: int64, shape: [1], data: longs(0) },
    ],
  });
}
