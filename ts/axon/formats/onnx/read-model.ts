import { type Field, ProtobufError, ProtobufReader } from '../bytes/protobuf.ts';
import { readFile } from '../bytes/read-file.ts';
import { readValueInfo, type ValueInfo } from './value-info.ts';

/*
 * What an ONNX file says about itself, without its weights. Field numbers are those of onnx.proto3.
 * 1. Inputs that have an initializer are constants with a default, not inputs (IR < 4 lists both).
 * 2. Tensors with data outside of the file stand in the graph's initializers, in nodes' attributes, in
 *    graphs inside of nodes (If, Loop), in functions and in what is there for training: all are looked at.
 */
export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string | null;
  readonly opsets: ReadonlyMap<string, number>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Relative to the model's folder, as the file states them; not checked here. */
  readonly externalFiles: readonly string[];
  /** How far the tensors reach that say where in such a file they lie. */
  readonly externalEnds: ReadonlyMap<string, number>;
}

const maxGraphDepth = 16;
const maxValues = 4_096;
const maxExternalFiles = 4_096;

class ModelReader {
  readonly #read: ProtobufReader;
  readonly #external = new Map<string, number>();
  readonly #initializers = new Set<string>();
  readonly #opsets = new Map<string, number>();
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  #irVersion: number | null = null;
  #producer: string | null = null;

  constructor(read: ProtobufReader) {
    this.#read = read;
  }

  model(): OnnxModel {
    for (const field of this.#read.root()) {
      if (field.number === 1) this.#irVersion = Number(field.value);
      else if (field.number === 2) this.#producer = this.#read.text(field);
      else if (field.number === 7) this.#graph(field);
      else if (field.number === 8) this.#opset(field);
      else if (field.number === 20) this.#training(field);
      else if (field.number === 25) this.#functionBody(field);
    }
    if (this.#irVersion === null || this.#outputs.length === 0)
      throw new ProtobufError('no IR version or no outputs');
    return {
      irVersion: this.#irVersion,
      producer: this.#producer,
      opsets: this.#opsets,
      inputs: this.#inputs.filter((input) => !this.#initializers.has(input.name)), // Rule 1
      outputs: this.#outputs,
      externalFiles: [...this.#external.keys()].sort(),
      externalEnds: this.#external,
    };
  }

  #opset(message: Field): void {
    let domain = '';
    let version = 0;
    for (const field of this.#read.fields(message)) {
      if (field.number === 1) domain = this.#read.text(field);
      else if (field.number === 2) version = Number(field.value);
    }
    this.#opsets.set(domain === '' ? 'ai.onnx' : domain, version);
  }

  #graph(message: Field): void {
    for (const field of this.#read.fields(message)) {
      if (field.number === 1) this.#node(field, 1);
      else if (field.number === 5) this.#initializers.add(this.#tensor(field));
      else if (field.number === 11) this.#value(this.#inputs, field);
      else if (field.number === 12) this.#value(this.#outputs, field);
      else if (field.number === 15) this.#initializers.add(this.#sparse(field));
    }
  }

  #value(list: ValueInfo[], field: Field): void {
    if (list.length >= maxValues)
      throw new ProtobufError(`more than ${maxValues} inputs or outputs`);
    list.push(readValueInfo(this.#read, field));
  }

  /** Rule 2. */
  #node(message: Field, depth: number): void {
    for (const attribute of this.#read.fields(message)) {
      if (attribute.number !== 5) continue;
      for (const field of this.#read.fields(attribute)) this.#attribute(field, depth);
    }
  }

  #attribute(field: Field, depth: number): void {
    if (field.number === 5 || field.number === 10) this.#tensor(field);
    else if (field.number === 6 || field.number === 11) this.#subgraph(field, depth + 1);
    else if (field.number === 22 || field.number === 23) this.#sparse(field);
  }

  #subgraph(message: Field, depth: number): void {
    if (depth > maxGraphDepth) throw new ProtobufError(`graphs nest deeper than ${maxGraphDepth}`);
    for (const field of this.#read.fields(message)) {
      if (field.number === 1) this.#node(field, depth);
      else if (field.number === 5) this.#tensor(field);
      else if (field.number === 15) this.#sparse(field);
    }
  }

  #functionBody(message: Field): void {
    for (const field of this.#read.fields(message)) {
      if (field.number === 7) this.#node(field, 1);
      else if (field.number === 11) this.#attribute(field, 1);
    }
  }

  /** The graphs that give weights their first values, and that change them. */
  #training(message: Field): void {
    for (const field of this.#read.fields(message))
      if (field.number === 1 || field.number === 2) this.#subgraph(field, 1);
  }

  #sparse(message: Field): string {
    let name = '';
    for (const field of this.#read.fields(message)) {
      if (field.number === 1) name = this.#tensor(field);
      else if (field.number === 2) this.#tensor(field);
    }
    return name;
  }

  #tensor(message: Field): string {
    let name = '';
    const external = new Map<string, string>();
    for (const field of this.#read.fields(message)) {
      if (field.number === 8) name = this.#read.text(field);
      else if (field.number === 13) external.set(...this.#entry(field));
    }
    const location = external.get('location');
    if (location !== undefined) this.#keepExternal(location, external);
    return name;
  }

  #keepExternal(location: string, entries: ReadonlyMap<string, string>): void {
    const file = location.replace(/^\.\//, '');
    const [offset, length] = [entries.get('offset') ?? '0', entries.get('length') ?? '0'];
    const end = Number(offset) + Number(length);
    if (![offset, length].every((text) => /^\d+$/.test(text)) || !Number.isSafeInteger(end))
      throw new ProtobufError(`a tensor at an impossible place of ${JSON.stringify(file)}`);
    this.#external.set(file, Math.max(end, this.#external.get(file) ?? 0));
    if (this.#external.size > maxExternalFiles)
      throw new ProtobufError(`more than ${maxExternalFiles} data files`);
  }

  #entry(message: Field): [string, string] {
    let key = '';
    let value = '';
    for (const field of this.#read.fields(message)) {
      if (field.number === 1) key = this.#read.text(field);
      else if (field.number === 2) value = this.#read.text(field);
    }
    return [key, value];
  }
}

export function readOnnx(root: string, name: string): OnnxModel {
  return readFile(root, name, 'ONNX model', (window) =>
    new ModelReader(new ProtobufReader(window)).model(),
  );
}
