import { MlosError } from '../protocol/errors.ts';
import type { MethodSpec } from '../protocol/methods/method.ts';
import { Tensor } from '../protocol/tensor.ts';

/** An operation as its HTTP door takes it. */
export interface HttpRequest {
  readonly verb: string;
  readonly url: string;
  readonly contentType: string | null;
  readonly body: string | Uint8Array | null;
}

/** Template, query and body of an operation, from the method table. */
export function buildRequest(spec: MethodSpec, endpoint: string, params: object): HttpRequest {
  const rest: Record<string, unknown> = { ...params };
  const path = spec.http.path.replace(/\{([^}]+)\}/, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    if ((typeof value !== 'string' && typeof value !== 'number') || value === '') {
      throw new MlosError('INVALID_ARGUMENT', `${spec.name} needs ${JSON.stringify(name)}.`);
    }
    return encodeURIComponent(value);
  });
  const base = endpoint.replace(/\/+$/, '');
  const { verb, bytes } = spec.http;
  if (bytes !== undefined) {
    const { [bytes]: body, ...query } = rest;
    if (!(body instanceof Uint8Array)) {
      throw new MlosError('INVALID_ARGUMENT', `${spec.name} needs bytes as ${bytes}.`);
    }
    const url = base + path + queryOf(query);
    return { verb, url, contentType: 'application/octet-stream', body };
  }
  if (verb === 'POST') {
    const body = JSON.stringify(rest, tensorToWire);
    return { verb, url: base + path, contentType: 'application/json', body };
  }
  const url = base + path + queryOf(rest);
  return { verb, url, contentType: null, body: null };
}

function queryOf(params: Record<string, unknown>): string {
  const entries = Object.entries(params).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(
    entries.map(([name, value]): [string, string] => [name, String(value)]),
  );
  return query.size > 0 ? `?${query}` : '';
}

/** A file is base64. A tensor as an input keeps its dtype and shape. Its toJSON has run already: look at the holder. */
function tensorToWire(this: unknown, name: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[name];
  if (original instanceof Uint8Array) return Buffer.from(original).toString('base64');
  if (!(original instanceof Tensor)) return value;
  return { dtype: original.dtype, shape: original.shape, data: value };
}
