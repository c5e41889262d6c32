import { isUtf8 } from 'node:buffer';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { MethodSpec } from '../../../protocol/methods/method.ts';
import { Tensor } from '../../../protocol/tensor.ts';
import { elementsText } from './json-elements.ts';
import { jsonErrorAt, tooDeepAt } from './json-text.ts';
import type { RequestHead } from './request-head.ts';
import type { RouteMatch } from './router.ts';

/**
 * Request → parameters, result → JSON. The parameters of an operation are the path's variable, the
 * query and the JSON body in one object; a name that says two things is refused, not resolved.
 */

/** Types that are certainly not JSON. `curl -d` sends x-www-form-urlencoded, which is let through. */
const foreignType =
  /^(?:multipart|image|audio|video|font)\/|^application\/(?:octet-stream|zip|gzip|x-gzip|x-tar|zstd|msgpack|x-msgpack|vnd\.msgpack|protobuf|x-protobuf|grpc|pdf|xml|yaml|x-yaml)\b/;
const charset = /;\s*charset\s*=\s*"?([^";\s]+)/;

/** Throws UNSUPPORTED_MEDIA_TYPE where the body cannot be JSON in UTF-8. */
export function checkMediaType(head: RequestHead): void {
  if (head.contentType === '') return;
  const type = head.contentType.toLowerCase();
  if (foreignType.test(type)) {
    throw unsupported(`Content-Type ${JSON.stringify(type)}`, 'send application/json');
  }
  const set = charset.exec(type)?.[1];
  if (set !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(set)) {
    throw unsupported(`charset ${JSON.stringify(set)}`, 'send UTF-8');
  }
}

/** For an operation whose body is bytes: anything that says to be something else is a mistake. */
export function checkBytesType(head: RequestHead): void {
  const encoding = head.contentEncoding.trim().toLowerCase();
  if (encoding !== '' && encoding !== 'identity') {
    throw unsupported(`Content-Encoding ${JSON.stringify(encoding)}`, 'send the bytes as they are');
  }
  const type = head.contentType.toLowerCase();
  if (type !== '' && !/^application\/octet-stream\b/.test(type)) {
    throw unsupported(`Content-Type ${JSON.stringify(type)}`, 'send application/octet-stream');
  }
}

function unsupported(what: string, advice: string): MlosError {
  return new MlosError('UNSUPPORTED_MEDIA_TYPE', `${what} is not read here; ${advice}.`);
}

/** The body as an object; an empty body is `{}`. Throws INVALID_JSON or INVALID_ARGUMENT. */
export function parseBody(body: Buffer | null): Record<string, unknown> {
  if (body === null || body.length === 0) return {};
  if (!isUtf8(body)) throw new MlosError('INVALID_JSON', 'The body is not UTF-8.');
  const deep = tooDeepAt(body, limits.jsonDepth);
  if (deep !== null) {
    throw new MlosError(
      'INVALID_JSON',
      `The body nests deeper than ${limits.jsonDepth} levels at byte ${deep}.`,
      { details: { position: deep, limit: limits.jsonDepth } },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (cause) {
    const position = jsonErrorAt(body);
    const what = position >= body.length ? 'it ends too early' : 'it goes wrong';
    throw new MlosError('INVALID_JSON', `The body is not JSON: ${what} at byte ${position}.`, {
      details: { position },
      cause,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MlosError('INVALID_ARGUMENT', 'The body must be a JSON object, such as {}.');
  }
  return value as Record<string, unknown>;
}

/** Numbers and booleans of the query or path, by what the operation's schema says of the name. */
function fromText(spec: MethodSpec, name: string, text: string): unknown {
  const type = spec.params.properties[name]?.type;
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(text)) {
    return Number(text);
  }
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** Sets without ever reaching the prototype: `__proto__` is a name like any other. */
function put(params: Record<string, unknown>, name: string, value: unknown, from: string): void {
  if (Object.hasOwn(params, name) && params[name] !== value) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(name.slice(0, 256))} is given twice with different values, once in the ${from}.`,
    );
  }
  Object.defineProperty(params, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
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

/** Path variable, query and body → the parameters of the operation. */
export function decodeParams(
  match: RouteMatch,
  query: string,
  body: Buffer | null,
): Record<string, unknown> {
  const { spec, variable } = match;
  const { bytes } = spec.http;
  const params = bytes === undefined ? parseBody(body) : { [bytes]: body ?? Buffer.alloc(0) };
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
