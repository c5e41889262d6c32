import { codePointCount } from './code-points.ts';
import type { JsonSchema } from './json-schema.ts';
import { didYouMean } from './nearest.ts';
import { shown, shownLength, wanted } from './schema-words.ts';

/*
 * Why a value does not fit a schema, in one sentence: where, what came, what would be right. Runs
 * only after the generated check said no, so it may take its time. Descends the schema, not the
 * value, so its depth is bounded by what we wrote.
 */
type Fields = Readonly<Record<string, unknown>>;

function hasType({ type }: JsonSchema, value: unknown): boolean {
  if (type === undefined) return true;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  }
  if (type === 'null') return value === null;
  if (type === 'integer') return Number.isInteger(value);
  return type === 'number' ? Number.isFinite(value) : typeof value === type;
}

/** NaN is within: where it is no number of the schema, its type says so. */
function within(amount: number, minimum = -Infinity, maximum = Infinity): boolean {
  return !(amount < minimum || amount > maximum);
}

/** Whether what a value says of itself fits; what lies inside it is looked at apart. */
function fits(schema: JsonSchema, value: unknown): boolean {
  if (!hasType(schema, value)) return false;
  if (schema.const !== undefined && value !== schema.const) return false;
  if (schema.enum?.some((allowed) => allowed === value) === false) return false;
  if (typeof value === 'number') return within(value, schema.minimum, schema.maximum);
  if (Array.isArray(value)) return within(value.length, schema.minItems, schema.maxItems);
  if (typeof value !== 'string') return true;
  return (
    within(codePointCount(value), schema.minLength, schema.maxLength) &&
    (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value))
  );
}

function step(path: string, key: string): string {
  const short = key.slice(0, 2 * shownLength);
  if (!/^[\w-]+$/.test(short)) return `${path}[${JSON.stringify(short)}]`;
  return path === '' ? short : `${path}.${short}`;
}

/** The first of some problems; what is not looked at costs nothing. */
function first(problems: Iterable<string | null>): string | null {
  for (const problem of problems) if (problem !== null) return problem;
  return null;
}

function unknownKey(schema: JsonSchema, value: object, path: string): string | null {
  if (schema.additionalProperties !== false) return null;
  const known = Object.keys(schema.properties ?? {});
  const strange = Object.getOwnPropertyNames(value).find((key) => !known.includes(key));
  if (strange === undefined) return null;
  const list = known.length === 0 ? 'It takes none.' : `Known: ${known.join(', ')}.`;
  return `${step(path, strange)} is not known.${didYouMean(strange, known)} ${list}`;
}

function missingKey(schema: JsonSchema, value: object, path: string): string | null {
  const missing = schema.required?.find((key) => !Object.hasOwn(value, key));
  if (missing === undefined) return null;
  const right = wanted(schema.properties?.[missing] ?? {});
  return `${step(path, missing)} is missing; it must be ${right}.`;
}

function* inProperties(schema: JsonSchema, value: Fields, path: string, root: string) {
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    const isLeftOut = value[key] === undefined && schema.required?.includes(key) !== true;
    if (!isLeftOut) yield find(inner, value[key], step(path, key), root);
  }
}

function* inPatterns(schema: JsonSchema, value: Fields, path: string, root: string) {
  for (const [pattern, inner] of Object.entries(schema.patternProperties ?? {})) {
    const names = new RegExp(pattern, 'u');
    for (const [key, item] of Object.entries(value)) {
      if (names.test(key)) yield find(inner, item, step(path, key), root);
    }
  }
}

function* inItems(schema: JsonSchema, value: readonly unknown[], path: string, root: string) {
  const items = schema.items ?? {};
  for (const [index, item] of value.entries()) yield find(items, item, `${path}[${index}]`, root);
}

/** The problem inside a value that fits as a whole. */
function inside(schema: JsonSchema, value: unknown, path: string, root: string): string | null {
  if (Array.isArray(value)) return first(inItems(schema, value, path, root));
  if (schema.type !== 'object') return null;
  const fields = value as Fields;
  return (
    unknownKey(schema, fields, path) ??
    missingKey(schema, fields, path) ??
    first(inProperties(schema, fields, path, root)) ??
    first(inPatterns(schema, fields, path, root))
  );
}

function find(schema: JsonSchema, value: unknown, path: string, root: string): string | null {
  const choices = schema.anyOf ?? [schema];
  const likely = choices.filter((choice) => fits(choice, value));
  if (likely.length === 0) {
    return `${path === '' ? root : path} is ${shown(value)}, but must be ${wanted(schema)}.`;
  }
  const problems = likely.map((choice) => inside(choice, value, path, root));
  return problems.includes(null) ? null : first(problems);
}

/** The first problem of a value as a sentence, or null where it fits. `root` names the whole. */
export function explain(schema: JsonSchema, value: unknown, root: string): string | null {
  return find(schema, value, '', root);
}
