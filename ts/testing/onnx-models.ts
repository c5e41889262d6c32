import type { Dtype } from '../protocol/dtype.ts';
import { encodeGraph, type OnnxInitializer, type OnnxValue, onnxModel } from './onnx-builder.ts';

/*
 * Models that tests ask for by what they do.
 */
type Shape = OnnxValue['shape'];

/** `y = x`, of any type and shape; names can be as odd as they like. */
export function identityModel(
  dtype: Dtype,
  shape: Shape,
  names: { readonly input?: string; readonly output?: string } = {},
): Buffer {
  const { input = 'x', output = 'y' } = names;
  return onnxModel({
    nodes: [{ op: 'Identity', inputs: [input], outputs: [output] }],
    inputs: [{ name: input, dtype, shape }],
    outputs: [{ name: output, dtype, shape }],
  });
}

/** `sum = a + b` and `product = a * b`. */
export function addMultiplyModel(dtype: Dtype = 'float32', shape: Shape = ['n']): Buffer {
  return onnxModel({
    nodes: [
      { op: 'Add', inputs: ['a', 'b'], outputs: ['sum'] },
      { op: 'Mul', inputs: ['a', 'b'], outputs: ['product'] },
    ],
    inputs: ['a', 'b'].map((name) => ({ name, dtype, shape })),
    outputs: ['sum', 'product'].map((name) => ({ name, dtype, shape })),
  });
}

/** `y = x · W` with a weight of `rows` × `columns` whose elements are (i % 7) − 3, times 1/8. */
export function matMulModel(rows: number, columns: number): Buffer {
  const weight = Float32Array.from({ length: rows * columns }, (_, i) => ((i % 7) - 3) / 8);
  return onnxModel({
    nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', rows] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', columns] }],
    initializers: [floats('w', [rows, columns], weight)],
  });
}

function floats(name: string, shape: readonly number[], values: Float32Array): OnnxInitializer {
  return { name, dtype: 'float32', shape, data: new Uint8Array(values.buffer) };
}

/**
 * Multiplies a 256 × 256 matrix by itself `turns` times, a number given with the request: about 1 ms
 * a turn. `x` is a scalar that comes back as `y`, so that answers can be told apart.
 */
export function slowModel(): Buffer {
  const size = 256;
  const body = encodeGraph({
    name: 'body',
    nodes: [
      { op: 'MatMul', inputs: ['m_in', 'w'], outputs: ['m_out'] },
      { op: 'Identity', inputs: ['go_in'], outputs: ['go_out'] },
    ],
    inputs: [
      { name: 'i', dtype: 'int64', shape: [] },
      { name: 'go_in', dtype: 'bool', shape: [] },
      { name: 'm_in', dtype: 'float32', shape: [size, size] },
    ],
    outputs: [
      { name: 'go_out', dtype: 'bool', shape: [] },
      { name: 'm_out', dtype: 'float32', shape: [size, size] },
    ],
  });
  const small = new Float32Array(size * size).fill(1 / size);
  return onnxModel({
    nodes: [
      { op: 'Loop', inputs: ['turns', '', 'w'], outputs: ['m'], attributes: { body } },
      { op: 'ReduceSum', inputs: ['m'], outputs: ['total'], attributes: { keepdims: 0 } },
      { op: 'Mul', inputs: ['total', 'zero'], outputs: ['nothing'] },
      { op: 'Add', inputs: ['x', 'nothing'], outputs: ['y'] },
    ],
    inputs: [
      { name: 'turns', dtype: 'int64', shape: [] },
      { name: 'x', dtype: 'float32', shape: [] },
    ],
    outputs: [{ name: 'y', dtype: 'float32', shape: [] }],
    initializers: [floats('w', [size, size], small), floats('zero', [], new Float32Array(1))],
  });
}

/** A text classifier's three inputs; `logits` are the sums of what they hold, per position. */
export function bertLikeModel(): Buffer {
  const names = ['input_ids', 'attention_mask', 'token_type_ids'];
  return onnxModel({
    nodes: [
      { op: 'Add', inputs: ['input_ids', 'attention_mask'], outputs: ['partial'] },
      { op: 'Add', inputs: ['partial', 'token_type_ids'], outputs: ['all'] },
      { op: 'Cast', inputs: ['all'], outputs: ['logits'], attributes: { to: 1 } },
    ],
    inputs: names.map((name) => ({ name, dtype: 'int64', shape: ['batch', 'sequence'] })),
    outputs: [{ name: 'logits', dtype: 'float32', shape: ['batch', 'sequence'] }],
  });
}

/** Accepts its inputs and fails when it runs: the reshape's target does not fit most inputs. */
export function failingModel(): Buffer {
  const target = new Uint8Array(new BigInt64Array([7n]).buffer);
  return onnxModel({
    nodes: [{ op: 'Reshape', inputs: ['x', 'target'], outputs: ['y'] }],
    inputs: [{ name: 'x', dtype: 'float32', shape: ['n'] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['m'] }],
    initializers: [{ name: 'target', dtype: 'int64', shape: [1], data: target }],
  });
}

/** An output that is a sequence and no tensor. */
export function sequenceModel(): Buffer {
  return onnxModel({
    nodes: [{ op: 'SplitToSequence', inputs: ['x'], outputs: ['pieces'] }],
    inputs: [{ name: 'x', dtype: 'float32', shape: ['n'] }],
    outputs: [{ name: 'pieces', dtype: 'float32', shape: null, isSequence: true }],
  });
}

/**
 * `y = x + total` and `next_total` the same, turned on its side: a state whose rows are not its first
 * dimension. Declare it with `runningSumState`.
 */
export function runningSumModel(columns = 2): Buffer {
  return onnxModel({
    nodes: [
      { op: 'Transpose', inputs: ['x'], outputs: ['turned'], attributes: { perm: [1, 0] } },
      { op: 'Add', inputs: ['total', 'turned'], outputs: ['next_total'] },
      { op: 'Transpose', inputs: ['next_total'], outputs: ['y'], attributes: { perm: [1, 0] } },
    ],
    inputs: [
      { name: 'total', dtype: 'float32', shape: [columns, 'batch'] },
      { name: 'x', dtype: 'float32', shape: ['batch', columns] },
    ],
    outputs: [
      { name: 'next_total', dtype: 'float32', shape: [columns, 'batch'] },
      { name: 'y', dtype: 'float32', shape: ['batch', columns] },
    ],
  });
}

export const runningSumState = [{ input: 'total', output: 'next_total' }] as const;

/**
 * Shaped like a detector of voices: a state whose rows are in the middle, and a rate that is one number.
 * `output` is the sum of what came so far, times the rate.
 */
export function detectorModel(): Buffer {
  const zero = new Uint8Array(new BigInt64Array([0n]).buffer);
  return onnxModel({
    nodes: [
      { op: 'Add', inputs: ['state', 'input'], outputs: ['stateN'] },
      { op: 'Gather', inputs: ['stateN', 'zero'], outputs: ['sum'], attributes: { axis: 0 } },
      { op: 'Cast', inputs: ['sr'], outputs: ['rate'], attributes: { to: 1 } },
      { op: 'Mul', inputs: ['sum', 'rate'], outputs: ['output'] },
    ],
    inputs: [
      { name: 'input', dtype: 'float32', shape: ['batch', 3] },
      { name: 'state', dtype: 'float32', shape: [2, 'batch', 3] },
      { name: 'sr', dtype: 'int64', shape: [] },
    ],
    outputs: [
      { name: 'output', dtype: 'float32', shape: ['batch', 3] },
      { name: 'stateN', dtype: 'float32', shape: [2, 'batch', 3] },
    ],
    initializers: [{ name: 'zero', dtype: 'int64', shape: [], data: zero }],
  });
}

export const detectorState = [{ input: 'state', output: 'stateN', shape: [2, -1, 3] }];
