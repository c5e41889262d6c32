import { codePointCount } from './code-points.ts';
import type { JsonSchema } from './json-schema.ts';

/* A value and a schema in a few words each, for sentences about them. */
/** Characters of a text that are shown of it. */
export const shownLength = 60;

/** What came, in short. */
export function shown(value: unknown): string {
  if (typeof value === 'string') {
    const rest = value.length > shownLength ? `… (${codePointCount(value)} characters)` : '';
    return JSON.stringify(value.slice(0, shownLength)) + rest;
  }
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function span(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum === undefined) return maximum === undefined ? '' : `at most ${maximum}`;
  if (maximum === undefined) return `at least ${minimum}`;
  return minimum === maximum ? `${minimum}` : `${minimum} to ${maximum}`;
}

function counted(noun: string, amount: string, unit: string): string {
  return amount === '' ? noun : `${noun} of ${amount} ${unit}`;
}

function numeric(noun: string, { minimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined)
    return `${noun} from ${minimum} to ${maximum}`;
  const amount = span(minimum, maximum);
  return amount === '' ? noun : `${noun}, ${amount}`;
}

function text({ minLength, maxLength, pattern, description }: JsonSchema): string {
  const what = counted('a text', span(minLength, maxLength), 'characters');
  if (pattern === undefined) return what;
  const meaning = description === undefined ? '' : ` (${description.replace(/\.$/, '')})`;
  return `${what} that matches ${pattern}${meaning}`;
}

/** What a schema asks for, in words. */
export function wanted(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(wanted).join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  switch (schema.type) {
    case 'string':
      return text(schema);
    case 'integer':
      return numeric('a whole number', schema);
    case 'number':
      return numeric('a number', schema);
    case 'boolean':
      return 'true or false';
    case 'array':
      return counted('a list', span(schema.minItems, schema.maxItems), 'entries');
    case 'object':
      return 'an object';
    default:
      return schema.type ?? 'any value';
  }
}
