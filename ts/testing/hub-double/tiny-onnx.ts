import { bytes, number } from './protobuf-writer.ts';

/*
 * A writer of very small ONNX models, for tests that need a real graph without a file in the project.
 * Field numbers are those of onnx.proto3.
 */
export interface TinyValue {
  readonly name: string;
  /** An onnx.TensorProto.DataType; 1 is float32. */
  readonly elementType?: number;
  readonly shape: readonly (number | string | null)[];
}

export interface TinyModel {
  readonly inputs?: readonly TinyValue[];
  readonly outputs?: readonly TinyValue[];
  /** Weights of the graph; a tensor with `location` has its data in another file. */
  readonly weights?: readonly {
    readonly name: string;
    readonly location?: string;
    readonly length?: number;
    readonly offset?: number;
  }[];
  /** A data file that is named only inside of a node's subgraph. */
  readonly hiddenLocation?: string;
  /** A data file that is named only in what is there for training. */
  readonly trainingLocation?: string;
}

function value(field: number, { name, elementType = 1, shape }: TinyValue): Buffer {
  const dims = shape.map((dim) =>
    bytes(1, ...(typeof dim === 'number' ? [number(1, dim)] : dim === null ? [] : [bytes(2, dim)])),
  );
  const tensor = bytes(1, number(1, elementType), bytes(2, ...dims));
  return bytes(field, bytes(1, name), bytes(2, tensor));
}

type Place = { readonly length?: number | undefined; readonly offset?: number | undefined };

function external(location: string, place: Place): Buffer {
  const pair = (key: string, value: string) => bytes(13, bytes(1, key), bytes(2, value));
  const more = (['length', 'offset'] as const).flatMap((key) =>
    place[key] === undefined ? [] : [pair(key, String(place[key]))],
  );
  return Buffer.concat([pair('location', location), ...more, number(14, 1)]);
}

function weight(name: string, location?: string, place: Place = {}): Buffer {
  const data = location === undefined ? bytes(9, Buffer.alloc(4)) : external(location, place);
  return bytes(5, number(1, 1), number(2, 1), bytes(8, name), data);
}

/** `y = Identity(x)`, float32 `[batch, 3]` unless said otherwise. */
export function tinyOnnx(model: TinyModel = {}): Buffer {
  const {
    inputs = [{ name: 'x', shape: ['batch', 3] }],
    outputs = [{ name: 'y', shape: ['batch', 3] }],
    weights = [],
    hiddenLocation,
    trainingLocation,
  } = model;
  const hidden =
    hiddenLocation === undefined
      ? []
      : [bytes(5, bytes(1, 'then_branch'), bytes(6, weight('w', hiddenLocation)))];
  const node = bytes(1, bytes(1, 'x'), bytes(2, 'y'), bytes(4, 'Identity'), ...hidden);
  const graph = bytes(
    7,
    node,
    bytes(2, 'tiny'),
    ...weights.map(({ name, location, ...place }) => weight(name, location, place)),
    ...inputs.map((input) => value(11, input)),
    ...outputs.map((output) => value(12, output)),
  );
  const training =
    trainingLocation === undefined ? [] : [bytes(20, bytes(2, weight('t', trainingLocation)))];
  return Buffer.concat([
    number(1, 8),
    bytes(2, 'tiny'),
    graph,
    ...training,
    bytes(8, bytes(1, ''), number(2, 13)),
  ]);
}
