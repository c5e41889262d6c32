import { type Dtype, dtypeFromOnnx } from '../../../protocol/dtype.ts';
import type { Field, ProtobufReader } from '../bytes/protobuf.ts';

/** One input or output: a number, a name or null (unknown) for each dimension; shape null without rank. */
export interface ValueInfo {
  readonly name: string;
  readonly kind: 'tensor' | 'sparse' | 'sequence' | 'map' | 'optional' | 'unknown';
  readonly dtype: Dtype | null;
  readonly shape: readonly (number | string | null)[] | null;
}

type TypeInfo = Omit<ValueInfo, 'name'>;

const bare = (kind: ValueInfo['kind']): TypeInfo => ({ kind, dtype: null, shape: null });

export function readValueInfo(read: ProtobufReader, message: Field): ValueInfo {
  let name = '';
  let type = bare('unknown');
  for (const field of read.fields(message)) {
    if (field.number === 1) name = read.text(field);
    else if (field.number === 2) type = readType(read, field);
  }
  return { name, ...type };
}

function readType(read: ProtobufReader, message: Field): TypeInfo {
  for (const field of read.fields(message)) {
    if (field.number === 1) return readTensorType(read, field, 'tensor');
    if (field.number === 8) return readTensorType(read, field, 'sparse');
    if (field.number === 4) return bare('sequence');
    if (field.number === 5) return bare('map');
    if (field.number === 9) return bare('optional');
  }
  return bare('unknown');
}

function readTensorType(read: ProtobufReader, message: Field, kind: 'tensor' | 'sparse'): TypeInfo {
  let dtype: Dtype | null = null;
  let shape: (number | string | null)[] | null = null;
  for (const field of read.fields(message)) {
    if (field.number === 1) dtype = dtypeFromOnnx(Number(field.value));
    else if (field.number === 2) {
      shape = [];
      for (const dim of read.fields(field)) if (dim.number === 1) shape.push(readDim(read, dim));
    }
  }
  return { kind, dtype, shape };
}

function readDim(read: ProtobufReader, message: Field): number | string | null {
  let dim: number | string | null = null;
  for (const field of read.fields(message)) {
    if (field.number === 1) dim = Number(BigInt.asIntN(64, field.value));
    else if (field.number === 2) dim = read.text(field) || null;
  }
  return typeof dim === 'number' && dim < 0 ? null : dim;
}
