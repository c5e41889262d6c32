import { MlosError } from '../protocol/errors.ts';
import { findMethod, type MethodName, type Params, type Result } from '../protocol/method-table.ts';
import type { MethodSpec } from '../protocol/methods/method.ts';
import { Tensor } from '../protocol/tensor.ts';
import { connectError } from './connection-error.ts';

/** One call through the HTTP door, for programs that make a few: the command-line tools. */
export interface HttpCallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

interface HttpRequest {
  readonly url: string;
  readonly init: RequestInit;
}

/** Template, query and body of an operation, from the method table. */
function buildRequest(spec: MethodSpec, endpoint: string, params: object): HttpRequest {
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
  if (spec.http.verb === 'POST') {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(rest, tensorToWire);
    return { url: base + path, init: { method: 'POST', headers, body } };
  }
  const entries = Object.entries(rest).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(
    entries.map(([name, value]): [string, string] => [name, String(value)]),
  );
  const url = base + path + (query.size > 0 ? `?${query}` : '');
  return { url, init: { method: spec.http.verb } };
}

/** A tensor as an input keeps its dtype and shape. Its toJSON has run already: look at the holder. */
function tensorToWire(this: unknown, name: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[name];
  if (!(original instanceof Tensor)) return value;
  return { dtype: original.dtype, shape: original.shape, data: value };
}

function isWireError(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

async function readAnswer(response: Response, endpoint: string): Promise<unknown> {
  const text = await response.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MlosError(
      'INTERNAL',
      `${endpoint} answered ${response.status} without JSON: is it the daemon?`,
    );
  }
  // Readiness answers 503 with its result, so the status alone does not tell an error.
  if (!response.ok && isWireError(value)) throw MlosError.fromWire(value);
  return value;
}

function fetchError(error: unknown, endpoint: string, options: HttpCallOptions): MlosError {
  const { name, cause } = error as Error;
  if (name === 'TimeoutError') {
    return new MlosError(
      'DEADLINE_EXCEEDED',
      `${endpoint} did not answer within ${options.timeoutMs} ms.`,
    );
  }
  if (name === 'AbortError') {
    return new MlosError('CANCELLED', 'The call was cancelled by its caller.');
  }
  return connectError(cause ?? error, endpoint);
}

/**
 * Calls an operation. `endpoint` is like `http://127.0.0.1:8080`. Rejects with the MlosError that the
 * daemon answered, or FAILED_PRECONDITION where none listens.
 */
export async function callHttp<N extends MethodName>(
  endpoint: string,
  method: N,
  params: Params<N>,
  options: HttpCallOptions = {},
): Promise<Result<N>> {
  const spec = findMethod(method);
  if (spec === undefined) {
    throw new MlosError('UNKNOWN_METHOD', `There is no method ${JSON.stringify(method)}.`);
  }
  const { url, init } = buildRequest(spec, endpoint, params as object);
  const signals = [
    ...(options.signal === undefined ? [] : [options.signal]),
    ...(options.timeoutMs === undefined ? [] : [AbortSignal.timeout(options.timeoutMs)]),
  ];
  let answer: unknown;
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) });
    answer = await readAnswer(response, endpoint);
  } catch (error) {
    throw error instanceof MlosError ? error : fetchError(error, endpoint, options);
  }
  return answer as Result<N>;
}
