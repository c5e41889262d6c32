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
/** What each type's values can be told. Every property is written, whether it is required or not. */
const wordsOf: Readonly<Record<string, readonly string[]>> = {
  string: ['format', 'minLength', 'maxLength'],
  object: ['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  integer: [],
  number: [],
  boolean: [],
  null: [],
};
/** The library reads one of these alone, and leaves out what stands beside it. */
const choices = ['oneOf', 'anyOf', '$ref', 'enum', 'const'] as const;
const typeNames = Object.keys(wordsOf);
const understood = new Set(['type', '$defs', ...choices, ...Object.values(wordsOf).flat()]);
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

interface Around {
  /** Names of the whole schema's $defs. */
  readonly defs: ReadonlySet<string>;
  readonly depth: number;
}

function each(path: string, value: unknown, around: Around): Record<string, unknown> {
  if (!isFields(value)) refuse(path, 'must be an object');
  const entries = Object.entries(value).map(([name, one]) => {
    return [name, supported(`${path}.${name}`, one, around)] as const;
  });
  return Object.fromEntries(entries);
}

function list(path: string, value: unknown, around: Around): unknown[] {
  if (!Array.isArray(value) || value.length === 0) refuse(path, 'must be a list of some');
  return value.map((one, index) => supported(`${path}[${index}]`, one, around));
}

function word(path: string, key: string, value: unknown, around: Around): Fields {
  const at = `${path}.${key}`;
  switch (key) {
    case 'properties':
    case '$defs':
      return { [key]: each(at, value, around) };
    case 'items':
      return { items: supported(at, value, around) };
    case 'prefixItems':
      return { prefixItems: list(at, value, around) };
    // Of what fits one of them, something fits any of them.
    case 'oneOf':
    case 'anyOf':
      return { oneOf: list(at, value, around) };
    case 'additionalProperties':
      return { [key]: typeof value === 'boolean' ? value : supported(at, value, around) };
    case 'format':
      if (!formats.includes(value as string)) refuse(at, `must be ${formats.join(', ')}`);
      return { format: value };
    case '$ref':
      return { $ref: knownRef(at, value, around) };
    case 'enum':
      if (!Array.isArray(value) || value.length === 0) refuse(at, 'must be a list of some');
      return { enum: value };
    case 'const':
      return { const: value };
    case 'required':
      if (!Array.isArray(value)) refuse(at, 'must be a list of names');
      return { required: value };
    default:
      if (!Number.isInteger(value) || (value as number) < 0) refuse(at, 'must be a whole number');
      return { [key]: value };
  }
}

function knownRef(path: string, value: unknown, { defs }: Around): unknown {
  const name = /^#\/\$defs\/([^/]+)$/.exec(String(value))?.[1];
  if (name === undefined || !defs.has(name)) refuse(path, 'must be "#/$defs/" with a name of one');
  return value;
}

/** Fewer than there must be can never be enough. */
function checkBounds(path: string, fields: Fields): void {
  for (const what of ['Length', 'Items', 'Properties']) {
    const least = (fields[`min${what}`] ?? 0) as number;
    const most = (fields[`max${what}`] ?? Number.POSITIVE_INFINITY) as number;
    if (least > most) refuse(path, `wants at least ${least} and at most ${most} (${what})`);
  }
  const named = isFields(fields['properties']) ? Object.keys(fields['properties']).length : 0;
  const isClosed = (fields['additionalProperties'] ?? false) === false;
  if (isClosed && ((fields['minProperties'] ?? 0) as number) > named) {
    refuse(path, `wants more properties than the ${named} that it names`);
  }
}

/** All properties are written; what is none of them cannot be. */
function checkRequired(path: string, { required = [], properties = {} }: Fields): void {
  const missing = (required as readonly unknown[]).find(
    (name) => !Object.hasOwn(properties as Fields, String(name)),
  );
  if (missing !== undefined) {
    refuse(path, `requires ${JSON.stringify(missing)}, which is none of its properties`);
  }
}

/** Several types are several schemas, each with what can be told of its values. */
function ofType(path: string, type: unknown, fields: Fields): Fields {
  if (Array.isArray(type) && type.length > 0) {
    return { oneOf: type.map((one) => ofType(path, one, fields)) };
  }
  if (typeof type !== 'string' || !typeNames.includes(type)) {
    refuse(path, `has the type ${JSON.stringify(type)}, which is none of ${typeNames.join(', ')}`);
  }
  const own = Object.entries(fields).filter(([key]) => wordsOf[type]?.includes(key));
  return { type, ...Object.fromEntries(own) };
}

/** What a schema without a type is of, by its words. */
function impliedType(fields: Fields): string | undefined {
  return typeNames.find((type) => wordsOf[type]?.some((key) => fields[key] !== undefined));
}

/** The schema in the words that the library reads. Errors: INVALID_VALUE. */
function supported(path: string, schema: unknown, around: Around): Fields {
  if (around.depth > deepest) refuse(path, `is nested deeper than ${deepest}`);
  if (!isFields(schema)) refuse(path, 'must be an object');
  const inner = { ...around, depth: around.depth + 1 };
  let read: Fields = {};
  for (const [key, value] of Object.entries(schema)) {
    if (annotations.has(key) || key === 'type') continue;
    if (!understood.has(key)) refuse(path, `has ${JSON.stringify(key)}, which cannot be enforced`);
    read = { ...read, ...word(path, key, value, inner) };
  }
  checkBounds(path, read);
  checkRequired(path, read);
  return assembled(path, schema['type'], read);
}

function assembled(path: string, type: unknown, { $defs, required: _, ...fields }: Fields): Fields {
  const defs = $defs === undefined ? {} : { $defs };
  const [choice] = choices.filter((key) => fields[key] !== undefined);
  const others = Object.keys(fields).filter((key) => key !== choice);
  if (choice === undefined) {
    const known = type ?? impliedType(fields);
    return known === undefined ? defs : { ...defs, ...ofType(path, known, fields) };
  }
  const isSaid = choice === 'enum' || choice === 'const';
  const [beside] = type === undefined || isSaid ? others : ['type'];
  if (beside !== undefined) {
    refuse(path, `has ${choice} beside ${beside}, which cannot be enforced together`);
  }
  if (isSaid && type !== undefined) checkValues(path, type, fields);
  return { ...defs, [choice]: fields[choice] };
}

/** A type beside a list of values must be that of all of them: the list alone is enforced. */
function checkValues(path: string, type: unknown, fields: Fields): void {
  const values = (fields['enum'] ?? [fields['const']]) as readonly unknown[];
  const types = [type].flat();
  const isOf = (value: unknown) =>
    types.includes(jsonType(value)) || (types.includes('number') && typeof value === 'number');
  const strange = values.find((value) => !isOf(value));
  if (strange !== undefined) {
    refuse(path, `has the value ${JSON.stringify(strange)}, which is no ${types.join(' or ')}`);
  }
}

function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** {} is any JSON. Errors: INVALID_VALUE. */
export async function jsonGrammar(llama: Llama, schema: Fields): Promise<unknown> {
  const defs = new Set(isFields(schema['$defs']) ? Object.keys(schema['$defs']) : []);
  const read = supported('', schema, { defs, depth: 0 });
  if (Object.keys(read).length === 0) return llama.getGrammarFor('json');
  try {
    return await llama.createGrammarForJsonSchema(read);
  } catch (error) {
    throw new MlosError('INVALID_VALUE', `response_schema: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
