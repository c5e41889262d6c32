import type { Field, Message, Type } from 'protobufjs';
import { type JsonMessage, jsonMessage, jsonOf } from './json-value.ts';

/**
 * Messages ↔ the plain objects that operations take and answer with. What was not on the wire is left
 * out, so that the operation's own check speaks of it; null is what is not set. A field of
 * google.protobuf.Value is any JSON value; a message whose one field is `values` is a list.
 */
type Bag = Readonly<Record<string, unknown>>;

const jsonType = '.google.protobuf.Value';
const wide = new Set(['int64', 'uint64']);

function isListType(type: Type): boolean {
  return type.name.endsWith('List') && type.fields['values'] !== undefined;
}

function messageType(field: Field): Type | null {
  const type = field.resolvedType;
  return type !== null && 'fieldsById' in type ? type : null;
}

/** An object property like any other, whatever its name. */
function put(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function mapped(value: unknown, one: (entry: unknown) => unknown): Record<string, unknown> {
  const out = {};
  for (const [key, entry] of Object.entries(value as object)) put(out, key, one(entry));
  return out;
}

function each(field: Field, value: unknown, one: (entry: unknown) => unknown): unknown {
  if (field.map) return mapped(value, one);
  if (!field.repeated) return one(value);
  // Most elements are themselves already; there may be millions.
  const isPlain = field.resolvedType === null && !wide.has(field.type);
  return isPlain ? value : (value as readonly unknown[]).map(one);
}

function isJson(field: Field): boolean {
  return field.resolvedType?.fullName === jsonType;
}

/** An empty list is not on the wire. */
function isEmpty(field: Field, value: unknown): boolean {
  if (field.map) return Object.keys(value as object).length === 0;
  return field.repeated && (value as readonly unknown[]).length === 0;
}

/** Message → plain object. */
export function plainOf(type: Type, message: Message): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const bag = message as unknown as Bag;
  for (const field of type.fieldsArray) {
    const value = bag[field.name];
    if (!Object.hasOwn(message, field.name) || isEmpty(field, value)) continue;
    out[field.name] = each(field, value, (entry) => plainValue(field, entry));
  }
  return out;
}

/** 64-bit numbers come as objects of long.js. */
function wholeOf(value: unknown): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(String(value));
}

function plainValue(field: Field, value: unknown): unknown {
  const type = messageType(field);
  if (type === null) {
    return typeof value === 'object' && !(value instanceof Uint8Array) ? wholeOf(value) : value;
  }
  if (isJson(field)) return jsonOf(value as JsonMessage);
  const plain = plainOf(type, value as Message);
  return isListType(type) ? (plain['values'] ?? []) : plain;
}

/** Values of an enum are given by name. */
function enumNumber({ resolvedType }: Field, value: unknown): unknown {
  const isNamed = resolvedType !== null && 'values' in resolvedType && typeof value === 'string';
  return isNamed ? resolvedType.values[value] : value;
}

/** Plain object → message. Fields that the type does not have are left out. */
export function messageOf(type: Type, plain: object): Message {
  const message = type.create();
  const bag = plain as Bag;
  for (const field of type.fieldsArray) {
    const value = bag[field.name];
    // Null is not set, except where any JSON value may stand.
    if (value === undefined || (value === null && !isJson(field))) continue;
    const made = each(field, value, (entry) => messageValue(field, entry));
    (message as unknown as Record<string, unknown>)[field.name] = made;
  }
  return message;
}

function messageValue(field: Field, value: unknown): unknown {
  const type = messageType(field);
  if (type === null) return enumNumber(field, value);
  if (isJson(field)) return jsonMessage(value);
  return messageOf(type, isListType(type) ? { values: value } : (value as object));
}
