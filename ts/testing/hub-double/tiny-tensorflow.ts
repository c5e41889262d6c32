import { bytes, number } from './protobuf-writer.ts';

/* Writers of very small TensorFlow files. Field numbers are those of TensorFlow's schemas. */

export interface TinySignature {
  readonly inputs: Readonly<Record<string, TinyInfo>>;
  readonly outputs: Readonly<Record<string, TinyInfo>>;
}

/** A tensorflow.DataType (1 is float32) and a shape; null is a rank that is not known. */
export type TinyInfo = readonly [dtype: number, shape: readonly number[] | null];

function tensorInfo([dtype, shape]: TinyInfo): Buffer {
  const dims = shape?.map((dim) => bytes(2, signedField(1, dim))) ?? [number(3, 1)];
  return Buffer.concat([bytes(1, 'x:0'), number(2, dtype), bytes(3, ...dims)]);
}

/** Negative numbers take ten bytes. */
function signedField(field: number, value: number): Buffer {
  if (value >= 0) return number(field, value);
  let rest = BigInt.asUintN(64, BigInt(value));
  const out = [field * 8];
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...out, Number(rest)]);
}

const entry = (field: number, key: string, value: Buffer) =>
  bytes(field, bytes(1, key), bytes(2, value));

export function tinySavedModel(signatures: Readonly<Record<string, TinySignature>> = {}): Buffer {
  const info = bytes(1, bytes(4, 'serve'), bytes(5, '2.15.0'));
  const graph = bytes(2, Buffer.alloc(1_000));
  const entries = Object.entries(signatures).map(([name, { inputs, outputs }]) => {
    const tensors = (field: number, list: Readonly<Record<string, TinyInfo>>) =>
      Object.entries(list).map(([key, value]) => entry(field, key, tensorInfo(value)));
    return entry(5, name, Buffer.concat([...tensors(1, inputs), ...tensors(2, outputs)]));
  });
  return Buffer.concat([number(1, 1), bytes(2, info, graph, ...entries)]);
}

/** A FlatBuffer built from its end: what is pointed to lies behind what points. */
class FlatWriter {
  #parts: Buffer[] = [];
  #length = 0;

  put(bytes: Buffer): number {
    const at = this.#length;
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return at;
  }

  /** A hole of four bytes, filled by `point`. */
  hole(): number {
    return this.put(Buffer.alloc(4));
  }

  point(hole: number): void {
    const whole = Buffer.concat(this.#parts);
    whole.writeUInt32LE(this.#length - hole, hole);
    this.#parts = [whole];
  }

  /** A table whose fields are holes of four bytes, or absent; gives the places of the holes. */
  table(fields: readonly boolean[]): (number | null)[] {
    // The list of fields lies right behind the table, so the way to it has a minus.
    const size = 4 + 4 * fields.filter(Boolean).length;
    const head = Buffer.alloc(4);
    head.writeInt32LE(-size);
    this.put(head);
    const holes = fields.map((there) => (there ? this.hole() : null));
    const list = Buffer.alloc(4 + 2 * fields.length);
    list.writeUInt16LE(list.length, 0);
    list.writeUInt16LE(size, 2);
    let place = 4;
    fields.forEach((there, index) => {
      list.writeUInt16LE(there ? place : 0, 4 + 2 * index);
      if (there) place += 4;
    });
    this.put(list);
    return holes;
  }

  set(place: number, value: number): void {
    const whole = Buffer.concat(this.#parts);
    whole.writeInt32LE(value, place);
    this.#parts = [whole];
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export interface TinyTfliteTensor {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly number[];
}

/** A model whose tensors are its inputs, and the last of them its output. */
export function tinyTflite(tensors: readonly TinyTfliteTensor[]): Buffer {
  const flat = new FlatWriter();
  const root = flat.hole();
  flat.put(Buffer.from('TFL3'));
  flat.point(root);
  const [, , graphs] = flat.table([false, false, true]);
  const vector = (hole: number | null | undefined, values: readonly number[]) => {
    if (hole === null || hole === undefined) return [];
    flat.point(hole);
    flat.set(flat.hole(), values.length);
    return values.map((value) => {
      const place = flat.hole();
      flat.set(place, value);
      return place;
    });
  };
  const [graph = 0] = vector(graphs, [0]);
  flat.point(graph);
  const [list, inputs, outputs] = flat.table([true, true, true]);
  vector(
    inputs,
    tensors.slice(0, -1).map((_, index) => index),
  );
  vector(outputs, [tensors.length - 1]);
  const places = vector(
    list,
    tensors.map(() => 0),
  );
  tensors.forEach(({ name, type, shape }, index) => {
    flat.point(places[index] ?? 0);
    const [shapeHole, typeHole, , nameHole] = flat.table([true, true, false, true]);
    vector(shapeHole, shape);
    if (typeof typeHole === 'number') flat.set(typeHole, type);
    if (typeof nameHole !== 'number') return;
    flat.point(nameHole);
    flat.set(flat.hole(), Buffer.byteLength(name));
    flat.put(Buffer.from(`${name}\0`));
  });
  return flat.bytes();
}
