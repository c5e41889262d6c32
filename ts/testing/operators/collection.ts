import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { Dtype } from '../../protocol/dtype.ts';
import { Tensor } from '../../protocol/tensor.ts';

/* The cases of operators that the ONNX project publishes, as Debian's libonnx-testdata has them. */

export const collectionFolder = '/usr/share/libonnx-testdata/data/node';

/** What a case needs of ONNX's messages. */
const root = protobuf.parse(
  `syntax = "proto3";
  message Model { Graph graph = 7; }
  message Graph { repeated Tensor initializer = 5; repeated Value input = 11; repeated Value output = 12; }
  message Value { string name = 1; Type type = 2; }
  message Type { TensorType tensor_type = 1; }
  message TensorType { int32 elem_type = 1; }
  message Tensor {
    repeated int64 dims = 1; int32 data_type = 2;
    repeated float float_data = 4; repeated int32 int32_data = 5;
    repeated bytes string_data = 6; repeated int64 int64_data = 7;
    string name = 8; bytes raw_data = 9;
  }`,
  { keepCase: true },
).root;

/** ONNX's numbers of element types. */
const dtypes: Readonly<Record<number, Dtype>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
};

interface Value {
  readonly name: string;
  readonly type?: { readonly tensor_type?: { readonly elem_type: number } };
}

interface RawTensor {
  readonly dims: readonly string[];
  readonly data_type: number;
  readonly raw_data: Buffer;
  readonly string_data: readonly Buffer[];
  readonly [typed: string]: unknown;
}

export interface CollectionCase {
  readonly name: string;
  readonly path: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
}

export function collectionNames(): string[] {
  return existsSync(collectionFolder) ? readdirSync(collectionFolder).sort() : [];
}

function decode(type: string, path: string): unknown {
  const message = root.lookupType(type);
  const options = { longs: String, bytes: Buffer, arrays: true, defaults: true };
  return message.toObject(message.decode(readFileSync(path)), options);
}

/** Null where a value of the case is no tensor of a type that we carry. */
export function readCase(name: string): CollectionCase | null {
  const folder = join(collectionFolder, name);
  const path = join(folder, 'model.onnx');
  const { graph } = decode('Model', path) as {
    readonly graph: { readonly input: readonly Value[]; readonly output: readonly Value[] };
  };
  const isTensor = ({ type }: Value) => (type?.tensor_type?.elem_type ?? 0) in dtypes;
  if (![...graph.input, ...graph.output].every(isTensor)) return null;
  const inputs: [string, Tensor][] = [];
  for (const [index, value] of graph.input.entries()) {
    const tensor = readTensor(join(folder, 'test_data_set_0', `input_${index}.pb`));
    if (tensor === null) return null;
    inputs.push([value.name, tensor]);
  }
  return { name, path, inputs: Object.fromEntries(inputs) };
}

function readTensor(path: string): Tensor | null {
  if (!existsSync(path)) return null;
  const raw = decode('Tensor', path) as RawTensor;
  const dtype = dtypes[raw.data_type];
  if (dtype === undefined) return null;
  const shape = raw.dims.map(Number);
  if (dtype === 'string') return new Tensor(dtype, shape, raw.string_data.map(String));
  const count = shape.reduce((product, dim) => product * dim, 1);
  // All cases of the collection have their elements as raw bytes.
  if (raw.raw_data.length === 0 && count > 0) return null;
  return new Tensor(dtype, shape, new Uint8Array(raw.raw_data));
}
