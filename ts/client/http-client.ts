import { MlosError } from '../protocol/errors.ts';
import { findMethod, type MethodName, type Params, type Result } from '../protocol/method-table.ts';
import type { GenerationEvent } from '../protocol/tasks/generation-event.ts';
import { connectError } from './connection-error.ts';
import { eventsType, readEvents } from './http-events.ts';
import { buildRequest } from './http-request.ts';

/** One call through the HTTP door, for programs that make a few: the command-line tools. */
export interface HttpCallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Is told what a task says before its answer. */
  readonly onEvent?: (event: GenerationEvent) => void;
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
  const { verb, url, contentType, body } = buildRequest(spec, endpoint, params as object);
  const { onEvent } = options;
  const signals = [
    ...(options.signal === undefined ? [] : [options.signal]),
    ...(options.timeoutMs === undefined ? [] : [AbortSignal.timeout(options.timeoutMs)]),
  ];
  let answer: unknown;
  try {
    const response = await fetch(url, {
      method: verb,
      body,
      headers: {
        ...(contentType === null ? {} : { 'content-type': contentType }),
        ...(onEvent === undefined ? {} : { accept: `${eventsType}, application/json` }),
      },
      signal: AbortSignal.any(signals),
    });
    const isStream = response.headers.get('content-type')?.startsWith(eventsType) === true;
    answer =
      isStream && onEvent !== undefined
        ? await readEvents(response, onEvent)
        : await readAnswer(response, endpoint);
  } catch (error) {
    throw error instanceof MlosError ? error : fetchError(error, endpoint, options);
  }
  return answer as Result<N>;
}
