import type { Dtype } from '../../../protocol/dtype.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { FormatError } from '../bytes/read-file.ts';
import type { Value } from '../io-schema.ts';

/*
 * A FlatBuffer, read by hand: a table is a place whose first number leads back to its list of field offsets.
 * Offsets are only ever followed to a named depth, so loops in a hostile file lead nowhere. Field numbers
 * are those of schema.fbs.
 */
export interface TfliteModel {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly subgraphs: number;
  readonly description: string | null;
}

const maxTensors = 4_096;
const maxText = 64 * 1024;

/** tflite.TensorType. */
const dtypes: Readonly<Record<number, Dtype>> = {
  ...{ 0: 'float32', 1: 'float16', 2: 'int32', 3: 'uint8', 4: 'int64', 5: 'string', 6: 'bool' },
  ...{ 7: 'int16', 9: 'int8', 10: 'float64', 12: 'uint64', 15: 'uint32', 16: 'uint16' },
  18: 'bfloat16',
};

class FlatBuffer {
  readonly #bytes: ByteSource;

  constructor(bytes: ByteSource) {
    this.#bytes = bytes;
  }

  i32(at: number): number {
    return this.#bytes.read(at, 4).readInt32LE();
  }

  u8(at: number): number {
    return this.#bytes.read(at, 1)[0] ?? 0;
  }

  /** Where an offset at this place leads; they only lead forwards. */
  follow(at: number): number {
    const offset = this.#bytes.read(at, 4).readUInt32LE();
    if (offset === 0) throw new FormatError('an offset of 0');
    return at + offset;
  }

  /** The place of a table's field, or null where it has its default. */
  field(table: number, number: number): number | null {
    const list = table - this.i32(table);
    const length = this.#bytes.read(list, 2).readUInt16LE();
    const entry = 4 + 2 * number;
    if (entry + 2 > length) return null;
    const offset = this.#bytes.read(list + entry, 2).readUInt16LE();
    return offset === 0 ? null : table + offset;
  }

  /** A vector's length and where it begins; elements of 4 bytes. */
  vector(table: number, number: number): { length: number; at: number } {
    const field = this.field(table, number);
    if (field === null) return { length: 0, at: 0 };
    const at = this.follow(field);
    const length = this.#bytes.read(at, 4).readUInt32LE();
    if (at + 4 + 4 * length > this.#bytes.size) throw new FormatError(`a list of ${length}`);
    return { length, at: at + 4 };
  }

  text(table: number, number: number): string | null {
    const field = this.field(table, number);
    if (field === null) return null;
    const at = this.follow(field);
    const length = this.#bytes.read(at, 4).readUInt32LE();
    if (length > maxText) throw new FormatError(`a text of ${length} bytes`);
    return this.#bytes.read(at + 4, length).toString('utf8');
  }
}

export function readTflite(bytes: ByteSource): TfliteModel {
  if (bytes.read(4, 4).toString('latin1') !== 'TFL3') throw new FormatError('no TFL3 mark');
  const buffer = new FlatBuffer(bytes);
  const model = buffer.follow(0);
  const subgraphs = buffer.vector(model, 2);
  if (subgraphs.length === 0) throw new FormatError('it holds no graph');
  const graph = buffer.follow(subgraphs.at);
  return {
    inputs: valuesOf(buffer, graph, 1),
    outputs: valuesOf(buffer, graph, 2),
    subgraphs: subgraphs.length,
    description: buffer.text(model, 3),
  };
}

/** The tensors that a graph's list of numbers (1 inputs, 2 outputs) names. */
function valuesOf(buffer: FlatBuffer, graph: number, list: 1 | 2): Value[] {
  const tensors = buffer.vector(graph, 0);
  const numbers = buffer.vector(graph, list);
  if (numbers.length > maxTensors) throw new FormatError(`${numbers.length} inputs or outputs`);
  return Array.from({ length: numbers.length }, (_, place) => {
    const number = buffer.i32(numbers.at + 4 * place);
    if (number < 0 || number >= tensors.length) throw new FormatError(`tensor ${number}`);
    return tensorOf(buffer, buffer.follow(tensors.at + 4 * number));
  });
}

/** `shape_signature` has -1 where the caller chooses; `shape` then says 1. Without a shape: a scalar. */
function tensorOf(buffer: FlatBuffer, tensor: number): Value {
  const signature = buffer.vector(tensor, 7);
  const shape = signature.length > 0 ? signature : buffer.vector(tensor, 0);
  if (shape.length > 64) throw new FormatError(`a tensor of rank ${shape.length}`);
  const type = buffer.field(tensor, 1);
  return {
    name: buffer.text(tensor, 3) ?? '',
    dtype: dtypes[type === null ? 0 : buffer.u8(type)] ?? null,
    shape: Array.from({ length: shape.length }, (_, place) => {
      const dim = buffer.i32(shape.at + 4 * place);
      return dim < 0 ? null : dim;
    }),
  };
}
