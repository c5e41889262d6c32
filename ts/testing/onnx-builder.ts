import { type Dtype, dtypes } from '../protocol/dtype.ts';
import { float, int, ints, join, message, repeated, text } from './protobuf-writer.ts';

/*
 * Writes small ONNX models, so that no test needs a file from elsewhere. Field numbers are those of
 * onnx.proto; see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: Dtype;
  /** A name is a symbolic dimension; null: not even the rank is known. */
  readonly shape: readonly (number | string)[] | null;
  /** A sequence of such tensors. */
  readonly isSequence?: boolean;
}

export type OnnxAttribute = number | readonly number[] | string | Uint8Array | { float: number };

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxInitializer {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly data: Uint8Array;
}

export interface OnnxGraph {
  readonly name?: string;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers?: readonly OnnxInitializer[];
}

/** TypeProto for a tensor: elem_type = 1, shape = 2 of the oneof's field 1. */
function tensorType(dtype: Dtype, shape: OnnxValue['shape']): Buffer {
  const dims = (shape ?? []).map((dim) => (typeof dim === 'number' ? int(1, dim) : text(2, dim)));
  const shapeProto = shape === null ? Buffer.alloc(0) : message(2, repeated(1, dims));
  return message(1, int(1, dtypes[dtype].onnx), shapeProto);
}

function valueInfo(value: OnnxValue): Buffer {
  const tensor = tensorType(value.dtype, value.shape);
  const type = value.isSequence === true ? message(4, message(1, tensor)) : tensor;
  return join(text(1, value.name), message(2, type));
}

/** AttributeProto: the number of the value's field and its type go together. */
function attribute(name: string, value: OnnxAttribute): Buffer {
  if (typeof value === 'number') return join(text(1, name), int(3, value), int(20, 2));
  if (typeof value === 'string') return join(text(1, name), text(4, value), int(20, 3));
  if (value instanceof Uint8Array) return join(text(1, name), message(6, value), int(20, 5));
  if ('float' in value) return join(text(1, name), float(2, value.float), int(20, 1));
  return join(text(1, name), ints(8, value), int(20, 7));
}

function node({ op, inputs, outputs, attributes = {} }: OnnxNode): Buffer {
  return join(
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => message(5, attribute(name, value))),
  );
}

function initializer({ name, dtype, shape, data }: OnnxInitializer): Buffer {
  return join(ints(1, shape), int(2, dtypes[dtype].onnx), text(8, name), message(9, data));
}

export function encodeGraph(graph: OnnxGraph): Buffer {
  return join(
    repeated(1, graph.nodes.map(node)),
    text(2, graph.name ?? 'g'),
    repeated(5, (graph.initializers ?? []).map(initializer)),
    repeated(11, graph.inputs.map(valueInfo)),
    repeated(12, graph.outputs.map(valueInfo)),
  );
}

/** A ModelProto: ir_version 8, one operator set, one graph. */
export function onnxModel(graph: OnnxGraph, options: { readonly opset?: number } = {}): Buffer {
  return join(
    int(1, 8),
    text(2, 'mlos-test'),
    message(8, text(1, ''), int(2, options.opset ?? 17)),
    message(7, encodeGraph(graph)),
  );
}
