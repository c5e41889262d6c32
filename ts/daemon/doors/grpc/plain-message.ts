import type { Field, Message, Type } from 'protobufjs';
import { type JsonMessage, jsonMessage, jsonOf } from './json-value.ts';

/**
 * Messages ↔ the plain objects that operations take and answer with. What was not on the wire is left
 * out, so that the operation's own check speaks of it; null is what is not set. A field of
 * google.protobuf.Value is any JSON value; a message whose one field is `values` is a list.
 */
type Bag = Readonly<Record<string, unknown>>;

const jsonType = '.google.protobuf.Value';

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
  return field.repeated ? (value as readonly unknown[]).map(one) : one(value);
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

function plainValue(field: Field, value: unknown): unknown {
  const type = messageType(field);
  if (type === null) {
    // 64-bit numbers come as objects of long.js; the contract's are exact as numbers.
    return typeof value === 'object' && !(value instanceof Uint8Array) ? Number(value) : value;
  }
  if (isJson(field)) return jsonOf(value as JsonMessage);
  const plain = plainOf(type, value as Message);
  return isListType(type) ? (plain['values'] ?? []) : plain;
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
  if (type === null) return value;
  if (isJson(field)) return jsonMessage(value);
  return messageOf(type, isListType(type) ? { values: value } : (value as object));
}
