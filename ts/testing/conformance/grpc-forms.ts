import type { Field, Type } from 'protobufjs';
import type { JsonSchema } from '../../protocol/json-schema.ts';
import { methodDeclarations } from '../../protocol/methods/declarations.ts';

/* What protobuf can say of a value in the form of JSON, and what it leaves out because it can be known. */

/** Why a message of the type cannot hold the value, or null. */
export function unsayable(type: Type, value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return `${type.name} is a message`;
  for (const [name, part] of Object.entries(value)) {
    const field = type.fields[name];
    if (field === undefined) return `${type.name} has no field ${JSON.stringify(name)}`;
    const why = part === undefined ? null : unsayableField(field, part);
    if (why !== null) return why;
  }
  return null;
}

function unsayableField(field: Field, value: unknown): string | null {
  if (!field.repeated) return unsayableOne(field, value);
  if (!Array.isArray(value)) return `${field.name} is repeated`;
  return value.map((one) => unsayableOne(field, one)).find((why) => why !== null) ?? null;
}

function unsayableOne(field: Field, value: unknown): string | null {
  const { resolvedType } = field;
  if (resolvedType !== null && 'fieldsById' in resolvedType) {
    return resolvedType.name === 'Value' ? null : unsayable(resolvedType, value);
  }
  const isInteger = typeof value === 'number' && Number.isInteger(value);
  const fits: Record<string, boolean> = {
    string: typeof value === 'string',
    bool: typeof value === 'boolean',
    bytes: value instanceof Uint8Array,
    double: typeof value === 'number',
    int32: isInteger && (value | 0) === value,
    int64: isInteger && Math.abs(value) < 2 ** 63,
  };
  return fits[field.type] === true ? null : `${field.name} is of type ${field.type}`;
}

/** The result with what protobuf leaves out: nulls, and values that are those of an empty message. */
export function asTheSchemaSays(method: string, plain: unknown): unknown {
  const declaration = methodDeclarations.find(({ name }) => name === method);
  return whole(declaration?.result as JsonSchema, plain);
}

function whole(schema: JsonSchema, value: unknown): unknown {
  const parts = schema.anyOf ?? [schema];
  const canBeNull = parts.some(({ type }) => type === 'null');
  if ((value ?? null) === null && canBeNull) return null;
  const known = parts.find(({ type }) => type !== 'null') ?? schema;
  switch (known.type) {
    case 'array':
      return ((value ?? []) as readonly unknown[]).map((one) => whole(known.items ?? {}, one));
    case 'object':
      return wholeObject(known, (value ?? {}) as Readonly<Record<string, unknown>>);
    case 'string':
      return value ?? '';
    case 'boolean':
      return value ?? false;
    case 'integer':
    case 'number':
      return value ?? 0;
    default:
      return value;
  }
}

function wholeObject(schema: JsonSchema, value: Readonly<Record<string, unknown>>): unknown {
  const [entry] = Object.values(schema.patternProperties ?? {});
  if (entry !== undefined) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, whole(entry, one)]));
  }
  const out: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const isThere = value[name] !== undefined || (schema.required ?? []).includes(name);
    if (isThere) out[name] = whole(part, value[name]);
  }
  return out;
}
