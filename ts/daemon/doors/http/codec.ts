import { isUtf8 } from 'node:buffer';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { MethodSpec } from '../../../protocol/methods/method.ts';
import { setOwn } from '../../../protocol/own-property.ts';
import { taskParameterType } from '../../../protocol/tasks/task-table.ts';
import { Tensor } from '../../../protocol/tensor.ts';
import type { BodyForm } from './body-form.ts';
import { readFormData } from './form-data.ts';
import { elementsText } from './json-elements.ts';
import { jsonErrorAt, tooDeepAt } from './json-text.ts';
import type { RouteMatch } from './router.ts';

/**
 * Request → parameters, result → JSON. The parameters of an operation are the path's variable, the
 * query and the JSON body in one object; a name that says two things is refused, not resolved.
 */

/** The body as an object; an empty body is `{}`. Throws INVALID_JSON or INVALID_ARGUMENT. */
export function parseBody(body: Buffer | null): Record<string, unknown> {
  if (body === null || body.length === 0) return {};
  const value = parseJson(body, 'The body');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MlosError('INVALID_ARGUMENT', 'The body must be a JSON object, such as {}.');
  }
  return value as Record<string, unknown>;
}

/** Throws INVALID_JSON, with where it goes wrong. */
function parseJson(text: Buffer, what: string): unknown {
  if (!isUtf8(text)) throw new MlosError('INVALID_JSON', `${what} is not UTF-8.`);
  const deep = tooDeepAt(text, limits.jsonDepth);
  if (deep !== null) {
    throw new MlosError(
      'INVALID_JSON',
      `${what} nests deeper than ${limits.jsonDepth} levels at byte ${deep}.`,
      { details: { position: deep, limit: limits.jsonDepth } },
    );
  }
  try {
    return JSON.parse(text.toString());
  } catch (cause) {
    const position = jsonErrorAt(text);
    const why = position >= text.length ? 'it ends too early' : 'it goes wrong';
    throw new MlosError('INVALID_JSON', `${what} is not JSON: ${why} at byte ${position}.`, {
      details: { position },
      cause,
    });
  }
}

/** Numbers, booleans and objects of the query, the path or a form, by what the operation's schema says of the name. */
function fromText(spec: MethodSpec, name: string, text: string): unknown {
  const own = spec.params.properties[name]?.type;
  const type = own ?? (spec.name === 'models.infer' ? taskParameterType(name) : undefined);
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(text)) {
    return Number(text);
  }
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  const isJson = type === 'object' || (type === 'array' && text.startsWith('['));
  if (isJson) return parseJson(Buffer.from(text), JSON.stringify(name));
  return text;
}

/** Throws INVALID_ARGUMENT for a name that says two things. */
function put(params: Record<string, unknown>, name: string, value: unknown, from: string): void {
  if (Object.hasOwn(params, name) && params[name] !== value) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(name.slice(0, 256))} is given twice with different values, once in the ${from}.`,
    );
  }
  setOwn(params, name, value);
}

function decodePathVariable(match: RouteMatch): string {
  try {
    return decodeURIComponent(match.raw);
  } catch (cause) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `The path has a bad percent-encoding in ${JSON.stringify(match.raw.slice(0, 256))}.`,
      { cause },
    );
  }
}

function addQuery(params: Record<string, unknown>, spec: MethodSpec, query: string): void {
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const rawName = equals < 0 ? pair : pair.slice(0, equals);
    const rawText = equals < 0 ? '' : pair.slice(equals + 1);
    let name: string;
    let text: string;
    try {
      name = decodeURIComponent(rawName.replaceAll('+', ' '));
      text = decodeURIComponent(rawText.replaceAll('+', ' '));
    } catch (cause) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `The query has a bad percent-encoding in ${JSON.stringify(pair.slice(0, 256))}.`,
        { cause },
      );
    }
    put(params, name, fromText(spec, name, text), 'query');
  }
}

/**
 * A form's fields are what the query's are, with room for files; a field that comes several times is a list.
 */
function formParams(spec: MethodSpec, contentType: string, body: Buffer) {
  return formValues(contentType, body, (name, text) => fromText(spec, name, text));
}

/** Errors: INVALID_ARGUMENT, PAYLOAD_TOO_LARGE. */
export function formValues(
  contentType: string,
  body: Buffer | null,
  readText: (name: string, text: string) => unknown = (_, text) => text,
): Record<string, unknown> {
  const values = new Map<string, unknown[]>();
  for (const { name, value } of readFormData(contentType, body ?? Buffer.alloc(0))) {
    const read = typeof value === 'string' ? readText(name, value) : value;
    const known = values.get(name);
    if (known === undefined) values.set(name, [read]);
    else known.push(read);
  }
  const params: Record<string, unknown> = {};
  for (const [name, list] of values) put(params, name, list.length === 1 ? list[0] : list, 'form');
  return params;
}

/** A request's body with what its head says that it is. */
export interface RequestBody {
  readonly form: BodyForm;
  readonly contentType: string;
  readonly bytes: Buffer | null;
}

function bodyParams(spec: MethodSpec, body: RequestBody): Record<string, unknown> {
  const bytes = body.bytes ?? Buffer.alloc(0);
  const name = spec.http.bytes ?? spec.http.media;
  if (body.form === 'form') return formParams(spec, body.contentType, bytes);
  return body.form === 'bytes' && name !== undefined ? { [name]: bytes } : parseBody(body.bytes);
}

/** Path variable, query and body → the parameters of the operation. */
export function decodeParams(
  match: RouteMatch,
  query: string,
  body: RequestBody,
): Record<string, unknown> {
  const { spec, variable } = match;
  const params = bodyParams(spec, body);
  if (query !== '') addQuery(params, spec, query);
  if (variable !== null) {
    put(params, variable, fromText(spec, variable, decodePathVariable(match)), 'path');
  }
  return params;
}

/** Tensors become flat lists; every float is the number that a reader gets back. */
export function encodeResult(result: unknown): string {
  const outputs = (result as { outputs?: unknown } | null | undefined)?.outputs;
  if (typeof outputs !== 'object' || outputs === null) return JSON.stringify(result) ?? 'null';
  const lists = Object.entries(outputs).map(([name, value]) => {
    const list = value instanceof Tensor ? elementsText(value) : JSON.stringify(value);
    return `${JSON.stringify(name)}:${list}`;
  });
  const rest = JSON.stringify({ ...(result as object), outputs: undefined });
  const comma = rest === '{}' ? '' : ',';
  return `${rest.slice(0, -1)}${comma}"outputs":{${lists.join()}}}`;
}
