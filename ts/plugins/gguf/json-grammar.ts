import { MlosError } from '../../protocol/errors.ts';
import type { Llama } from './llama-cpp.ts';

/*
 * A JSON Schema as a grammar of llama.cpp. A word of a schema that no grammar is made of is refused: an answer
 * that may break the schema is not what was asked for.
 */
type Fields = Readonly<Record<string, unknown>>;

/** They change no answer. */
const annotations = new Set([
  ...['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples', 'deprecated'],
  ...['readOnly', 'writeOnly', 'strict'],
]);
/** Every property is written, whether it is required or not. */
const understood = new Set([
  ...['type', 'enum', 'const', 'oneOf', 'anyOf', '$ref', '$defs', 'format', 'required'],
  ...['minLength', 'maxLength', 'properties', 'additionalProperties', 'minProperties'],
  ...['maxProperties', 'items', 'prefixItems', 'minItems', 'maxItems'],
]);
const formats = ['date-time', 'time', 'date'];
const deepest = 32;

function refuse(path: string, what: string): never {
  throw new MlosError(
    'INVALID_VALUE',
    `response_schema${path} ${what}. Understood are ${[...understood].sort().join(', ')}.`,
  );
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function each(path: string, value: unknown, depth: number): Record<string, unknown> {
  if (!isFields(value)) refuse(path, 'must be an object');
  const entries = Object.entries(value).map(([name, one]) => {
    return [name, supported(`${path}.${name}`, one, depth)] as const;
  });
  return Object.fromEntries(entries);
}

function list(path: string, value: unknown, depth: number): unknown[] {
  if (!Array.isArray(value)) refuse(path, 'must be a list');
  return value.map((one, index) => supported(`${path}[${index}]`, one, depth));
}

function word(path: string, key: string, value: unknown, depth: number): Fields {
  const at = `${path}.${key}`;
  switch (key) {
    case 'properties':
    case '$defs':
      return { [key]: each(at, value, depth) };
    case 'items':
      return { items: supported(at, value, depth) };
    case 'prefixItems':
      return { prefixItems: list(at, value, depth) };
    // Of what fits one of them, something fits any of them.
    case 'oneOf':
    case 'anyOf':
      return { oneOf: list(at, value, depth) };
    case 'additionalProperties':
      return { [key]: typeof value === 'boolean' ? value : supported(at, value, depth) };
    case 'format':
      if (!formats.includes(value as string)) refuse(at, `must be ${formats.join(', ')}`);
      return { format: value };
    case 'required':
      return {};
    default:
      return { [key]: value };
  }
}

/** The schema in the words that the library reads. Errors: INVALID_VALUE. */
function supported(path: string, schema: unknown, depth = 0): Fields {
  if (depth > deepest) refuse(path, `is nested deeper than ${deepest}`);
  if (!isFields(schema)) refuse(path, 'must be an object');
  let read: Fields = {};
  for (const [key, value] of Object.entries(schema)) {
    if (annotations.has(key)) continue;
    if (!understood.has(key)) refuse(path, `has ${JSON.stringify(key)}, which cannot be enforced`);
    read = { ...read, ...word(path, key, value, depth + 1) };
  }
  return read;
}

/** {} is any JSON. Errors: INVALID_VALUE. */
export async function jsonGrammar(llama: Llama, schema: Fields): Promise<unknown> {
  const read = supported('', schema);
  if (Object.keys(read).length === 0) return llama.getGrammarFor('json');
  try {
    return await llama.createGrammarForJsonSchema(read);
  } catch (error) {
    throw new MlosError('INVALID_VALUE', `response_schema: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
