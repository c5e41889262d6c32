import type { Dtype } from '../../../protocol/dtype.ts';
import type { FileWindow } from '../bytes/file-window.ts';
import { type Field, ProtobufReader } from '../bytes/protobuf.ts';
import { FormatError } from '../bytes/read-file.ts';
import type { Value } from '../io-schema.ts';

/*
 * The signatures that saved_model.pb states; the graph itself is skipped. A model may state none (its functions
 * are known to TensorFlow only): then there is none, and nothing is invented.
 * Field numbers are those of saved_model.proto and meta_graph.proto.
 */
export interface Signature {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

export interface MetaGraph {
  readonly tags: readonly string[];
  readonly tensorflow: string | null;
  readonly signatures: ReadonlyMap<string, Signature>;
}

const maxGraphs = 64;
const maxSignatures = 1_024;
const maxTensors = 4_096;

/** tensorflow.DataType. */
const dtypes: Readonly<Record<number, Dtype>> = {
  ...{ 1: 'float32', 2: 'float64', 3: 'int32', 4: 'uint8', 5: 'int16', 6: 'int8', 7: 'string' },
  ...{ 9: 'int64', 10: 'bool', 14: 'bfloat16', 17: 'uint16', 19: 'float16', 22: 'uint32' },
  23: 'uint64',
};

export function readMetaGraphs(window: FileWindow): readonly MetaGraph[] {
  const read = new ProtobufReader(window);
  const graphs: MetaGraph[] = [];
  for (const field of read.root()) {
    if (field.number !== 2 || field.wire !== 2) continue;
    if (graphs.length >= maxGraphs) throw new FormatError(`more than ${maxGraphs} graphs`);
    graphs.push(readMetaGraph(read, field));
  }
  if (graphs.length === 0) throw new FormatError('it holds no graph');
  return graphs;
}

function readMetaGraph(read: ProtobufReader, message: Field): MetaGraph {
  const signatures = new Map<string, Signature>();
  let info: Pick<MetaGraph, 'tags' | 'tensorflow'> = { tags: [], tensorflow: null };
  for (const field of read.fields(message)) {
    if (field.number === 1) info = readInfo(read, field);
    if (field.number !== 5) continue;
    if (signatures.size >= maxSignatures)
      throw new FormatError(`more than ${maxSignatures} signatures`);
    const [name, signature] = readPair(read, field, (value) => readSignature(read, value));
    if (signature !== null) signatures.set(name, signature);
  }
  return { ...info, signatures };
}

function readInfo(read: ProtobufReader, message: Field): Pick<MetaGraph, 'tags' | 'tensorflow'> {
  const tags: string[] = [];
  let tensorflow: string | null = null;
  for (const field of read.fields(message)) {
    if (field.number === 4 && tags.length < 100) tags.push(read.text(field));
    else if (field.number === 5) tensorflow = read.text(field) || null;
  }
  return { tags, tensorflow };
}

/** One entry of a map: key 1, value 2. */
function readPair<T>(
  read: ProtobufReader,
  message: Field,
  readValue: (field: Field) => T,
): [string, T | null] {
  let key = '';
  let value: T | null = null;
  for (const field of read.fields(message)) {
    if (field.number === 1) key = read.text(field);
    else if (field.number === 2) value = readValue(field);
  }
  return [key, value];
}

function readSignature(read: ProtobufReader, message: Field): Signature {
  const inputs: Value[] = [];
  const outputs: Value[] = [];
  for (const field of read.fields(message)) {
    if (field.number !== 1 && field.number !== 2) continue;
    const list = field.number === 1 ? inputs : outputs;
    if (list.length >= maxTensors) throw new FormatError(`more than ${maxTensors} tensors`);
    const [name, tensor] = readPair(read, field, (value) => readTensor(read, value));
    list.push({ name, ...(tensor ?? { dtype: null, shape: null }) });
  }
  return { inputs: inputs.sort(byName), outputs: outputs.sort(byName) };
}

function byName(a: Value, b: Value): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function readTensor(read: ProtobufReader, message: Field): Omit<Value, 'name'> {
  let dtype: Dtype | null = null;
  let shape: (number | null)[] | null = null;
  for (const field of read.fields(message)) {
    if (field.number === 2) dtype = dtypes[Number(field.value)] ?? null;
    else if (field.number === 3) shape = readShape(read, field);
  }
  return { dtype, shape };
}

function readShape(read: ProtobufReader, message: Field): (number | null)[] | null {
  const shape: (number | null)[] = [];
  for (const field of read.fields(message)) {
    if (field.number === 3 && field.value !== 0n) return null;
    if (field.number !== 2) continue;
    let size = 0;
    for (const dim of read.fields(field))
      if (dim.number === 1) size = Number(BigInt.asIntN(64, dim.value));
    if (shape.length >= 64) throw new FormatError('a tensor of rank 65');
    shape.push(size < 0 ? null : size);
  }
  return shape;
}
