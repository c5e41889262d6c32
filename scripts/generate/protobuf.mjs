import { isDeepStrictEqual } from 'node:util';
import { ChannelFacts } from '../../dist/protocol/methods/channels.js';
import { methodDeclarations } from '../../dist/protocol/methods/declarations.js';
import { EngineModel, EngineProcess, Times, Worker } from '../../dist/protocol/methods/engine.js';
import { EngineOptions } from '../../dist/protocol/methods/engine-options.js';
import { ModelInfo, ModelTaskInfo } from '../../dist/protocol/methods/model-info.js';
import { PluginInfo, PluginProcess } from '../../dist/protocol/methods/plugins.js';
import { DoorFacts } from '../../dist/protocol/methods/service.js';
import {
  MeasureSchema,
  SignatureSchema,
  TensorSpecSchema,
} from '../../dist/protocol/methods/shared-schemas.js';
import { FieldNumbers } from './field-numbers.mjs';
import { inferenceMessages, inferenceStreams } from './inference-messages.mjs';

/*
 * proto/mlos/v1 from the method table. What JSON Schema says and protobuf cannot:
 *
 * - null: the field is not set. A parameter that is left out: the same; so each has presence.
 * - a list that may be null, or is itself an entry: a message with the one field `values`.
 * - a list with null in it, and what has no type: google.protobuf.Value.
 * - a text or a number: the text. A set of texts: a string, with the set in the comment, so that the daemon's own check answers.
 * - tensors by name (only of models.infer): a list of messages with name and tensor.
 */
const plain = (schema) => JSON.parse(JSON.stringify(schema));

/** Messages that several others hold. */
const shared = Object.entries({
  ChannelFacts,
  DoorFacts,
  EngineModel,
  EngineOptions,
  EngineProcess,
  Measure: MeasureSchema,
  ModelInfo,
  ModelTask: ModelTaskInfo,
  PluginInfo,
  PluginProcess,
  Signature: SignatureSchema,
  TensorSpec: TensorSpecSchema,
  Times,
  Worker,
}).map(([name, schema]) => [name, plain(schema)]);

/** Fields of models.infer that are tensors. */
const tensorFields = {
  'InferRequest.inputs': ['repeated NamedTensor', 'By name, in any order.'],
  'InferResponse.outputs': ['repeated NamedTensor', 'In the order of the signature.'],
  'InferResponse.output_shapes': null,
  'InferResponse.output_dtypes': null,
};

const pascal = (name) => name.replaceAll(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase());

class Files {
  #numbers;
  /** file → name → text of the message. */
  #messages = new Map();

  constructor(numbers) {
    this.#numbers = numbers;
  }

  messagesOf(file) {
    return [...(this.#messages.get(file)?.values() ?? [])];
  }

  /** Declares a message of the schema's properties. Returns its name. */
  message(file, name, schema, bytes) {
    const known = this.#messages.get(file) ?? new Map();
    this.#messages.set(file, known);
    if (known.has(name)) return name;
    known.set(name, '');
    const isRequest = name.includes('Request');
    const fields = Object.entries(schema.properties).flatMap(([field, part]) => {
      const special = tensorFields[`${name}.${field}`];
      if (special === null) return [];
      if (special !== undefined) return [{ name: field, type: special[0], comment: special[1] }];
      const { type, canBeNull } = this.#type(
        file,
        `${name}${pascal(field)}`,
        part,
        field === bytes,
      );
      const isAbsent = isRequest || canBeNull || !(schema.required ?? []).includes(field);
      const hasPresence = isAbsent && /^[a-z0-9]+$/.test(type);
      return [{ name: field, type, label: hasPresence ? 'optional ' : '', comment: says(part) }];
    });
    known.set(name, this.#write(name, fields));
    return name;
  }

  /** A message that is not of the table. Fields: [name, type, comment, oneof?]. */
  fixed(file, name, comment, fields) {
    const known = this.#messages.get(file) ?? new Map();
    this.#messages.set(file, known);
    const rows = fields.map(([field, type, says, oneof]) => ({
      ...{ name: field, type, comment: says, oneof },
    }));
    known.set(name, `// ${comment}\n${this.#write(name, rows)}`);
  }

  #write(message, fields) {
    const lines = [];
    const numbers = [];
    let open = null;
    for (const { name, type, label = '', comment = '', oneof = null } of fields) {
      const number = this.#numbers.number(message, name, type);
      numbers.push(number);
      if (open !== null && oneof !== open) lines.push('  }');
      if (oneof !== null && oneof !== open) lines.push(`  oneof ${oneof} {`);
      open = oneof;
      const indent = oneof === null ? '  ' : '    ';
      if (comment !== '') lines.push(`${indent}// ${comment}`);
      lines.push(`${indent}${label}${type} ${name} = ${number};`);
    }
    if (open !== null) lines.push('  }');
    const names = fields.map(({ name }) => name);
    const gone = this.#numbers.reserved(message, numbers, names);
    if (gone.numbers.length > 0) lines.push(`  reserved ${gone.numbers.join(', ')};`);
    if (gone.names.length > 0) {
      lines.push(`  reserved ${gone.names.map((name) => `"${name}"`).join(', ')};`);
    }
    return lines.length === 0
      ? `message ${message} {}\n`
      : `message ${message} {\n${lines.join('\n')}\n}\n`;
  }

  #type(file, path, schema, isBytes) {
    const parts = schema.anyOf ?? [schema];
    const types = parts.filter((part) => part.type !== 'null');
    const canBeNull = types.length < parts.length;
    if (isBytes) return { type: 'bytes', canBeNull };
    const type = this.#one(file, path, types);
    const isList = type.startsWith('repeated ');
    return { type: canBeNull && isList ? this.#list(type) : type, canBeNull };
  }

  #one(file, path, types) {
    const [schema] = types;
    if (types.some(({ type }) => type === 'boolean')) return 'bool';
    // A number stands for its decimal text there.
    if (types.some(({ type }) => type === 'string')) return 'string';
    if (types.length > 1 && types.some(({ type }) => type !== schema.type)) {
      throw new Error(`${path}: protobuf has no field of several types`);
    }
    switch (schema.type) {
      case 'number':
        return 'double';
      case 'integer':
        return schema.maximum < 2 ** 31 && schema.minimum >= -(2 ** 31) ? 'int32' : 'int64';
      case 'array': {
        const { type, canBeNull } = this.#type(file, path, schema.items);
        if (canBeNull) return 'repeated google.protobuf.Value';
        return `repeated ${type.startsWith('repeated ') ? this.#list(type) : type}`;
      }
      case 'object':
        return this.#object(file, path, schema);
      default:
        return 'google.protobuf.Value';
    }
  }

  #object(file, path, schema) {
    const [entry] = Object.values(schema.patternProperties ?? {});
    if (entry !== undefined) {
      const { type } = this.#type(file, path, entry);
      return `map<string, ${type.startsWith('repeated ') ? this.#list(type) : type}>`;
    }
    const { description: _, ...bare } = schema;
    const [name] = shared.find(([, known]) => isDeepStrictEqual(bare, withoutNote(known))) ?? [];
    return name === undefined
      ? this.message(file, path, schema)
      : this.message('types', name, schema);
  }

  /** `repeated int64` → Int64List. */
  #list(type) {
    const item = type.slice('repeated '.length);
    const name = `${pascal(item.split('.').at(-1))}List`;
    this.fixed('types', name, 'A list where protobuf has no field for one.', [
      ['values', type, ''],
    ]);
    return name;
  }
}

function withoutNote({ description: _, ...schema }) {
  return schema;
}

/** The description, and the set of a text that has one. */
function says({ description = '', enum: choices, anyOf }) {
  const texts =
    choices ??
    (anyOf?.every(({ const: one }) => one !== undefined)
      ? anyOf.map((part) => part.const)
      : undefined);
  const set = texts === undefined || texts.length === 0 ? '' : `One of ${texts.join(', ')}.`;
  return [description, set]
    .filter((part) => part !== '')
    .join(' ')
    .replaceAll('\n', ' ');
}

const fileOf = {
  HealthService: 'health',
  PluginService: 'plugins',
  ModelService: 'models',
  InferenceService: 'inference',
};

/** The files of proto/mlos/v1 and the numbers that they use, from those that were used before. */
export function protobufFiles(numbersText) {
  const numbers = new FieldNumbers(numbersText);
  const files = new Files(numbers);
  const services = new Map(Object.keys(fileOf).map((service) => [service, []]));
  for (const { params, result, summary, http, grpc } of methodDeclarations) {
    const file = fileOf[grpc.service];
    const request = files.message(file, `${grpc.rpc}Request`, plain(params), http.bytes);
    const response = files.message(file, `${grpc.rpc}Response`, plain(result));
    services
      .get(grpc.service)
      .push(`  // ${summary}\n  rpc ${grpc.rpc}(${request}) returns (${response});\n`);
  }
  inferenceMessages(files);
  services.get('InferenceService').push(inferenceStreams);
  const written = [...services].map(([service, rpcs]) => {
    const body = [
      `service ${service} {\n${rpcs.join('')}}\n`,
      ...files.messagesOf(fileOf[service]),
    ];
    return protoFile(fileOf[service], body);
  });
  return [
    ...written,
    protoFile('types', files.messagesOf('types')),
    { path: 'proto/mlos/v1/numbers.lock', content: numbers.text() },
  ];
}

function protoFile(name, body) {
  const text = body.join('\n');
  const imports = [
    ...(text.includes('google.protobuf.Value') ? ['google/protobuf/struct.proto'] : []),
    ...(name === 'types' ? [] : ['mlos/v1/types.proto']),
  ];
  const head = `// Generated by npm run generate from ts/protocol/methods/. Do not edit.
syntax = "proto3";

package mlos.v1;

${imports.map((file) => `import "${file}";\n`).join('')}`;
  return { path: `proto/mlos/v1/${name}.proto`, content: `${head}\n${text}` };
}
