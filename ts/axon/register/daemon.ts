import { buildRequest } from '../../client/http-request.ts';
import {
  findMethod,
  type MethodName,
  type Params,
  type Result,
} from '../../protocol/method-table.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { parseHttpUrl } from '../download/follow.ts';
import { readBody, request } from '../download/http.ts';
import { Retryable } from '../download/retry.ts';

/** Loading gigabytes from a slow disk takes its time; the daemon itself gives up sooner. */
const answerMs = 15 * 60_000;
const maxAnswerBytes = 256 * 1024 * 1024;

type Answer = Readonly<Record<string, unknown>>;

/** The MLOS daemon at one address, asked over HTTP. */
export class Daemon {
  readonly endpoint: string;
  readonly #context: Context;

  /** --endpoint over MLOS_CORE_ENDPOINT over config.yaml over the default. */
  constructor(flag: string | null, context: Context) {
    const { env, settings } = context;
    const text = flag ?? (env['MLOS_CORE_ENDPOINT'] || settings.text('mlos.endpoint'));
    if (!/^https?:\/\/[^/]/.test(text))
      throw new AxonError(
        'USAGE',
        `${JSON.stringify(text)} is not an endpoint; write http://host:port.`,
      );
    this.endpoint = text.replace(/\/+$/, '');
    this.#context = context;
  }

  /**
   * Calls an operation. Errors: DAEMON_UNREACHABLE; DAEMON_REFUSED with the daemon's own code, message and
   * details.
   */
  async call<N extends MethodName>(method: N, params: Params<N>): Promise<Result<N>> {
    const spec = findMethod(method);
    if (spec === undefined) throw new AxonError('INTERNAL', `There is no method ${method}.`);
    const { verb, url, contentType, body } = buildRequest(spec, this.endpoint, params as object);
    const target = parseHttpUrl(url);
    let status: number;
    let bytes: Buffer | null;
    try {
      const response = await request({
        url: target,
        method: verb,
        headers: {
          accept: 'application/json',
          ...(contentType === null ? {} : { 'content-type': contentType }),
        },
        ...(body === null ? {} : { body }),
        stallMs: answerMs,
        signal: this.#context.signal,
      });
      status = response.status;
      bytes = await readBody(response, maxAnswerBytes);
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      throw new AxonError(
        'DAEMON_UNREACHABLE',
        `No MLOS daemon answers at ${target.origin} (${error.message}). Start it with \`mlos serve\`, or name another with --endpoint.`,
        { cause: error },
      );
    }
    const answer = readAnswer(bytes);
    if (status >= 200 && status < 300 && answer !== null && answer['status'] !== 'error')
      return answer as Result<N>;
    throw refused(target.origin, status, answer);
  }
}

function readAnswer(bytes: Buffer | null): Answer | null {
  try {
    const value: unknown = JSON.parse(bytes?.toString('utf8') ?? '');
    return typeof value === 'object' && value !== null ? (value as Answer) : null;
  } catch {
    return null;
  }
}

function refused(origin: string, status: number, answer: Answer | null): AxonError {
  const inner = answer?.['error'];
  const body = typeof inner === 'object' && inner !== null ? (inner as Answer) : (answer ?? {});
  const code = typeof body['code'] === 'string' ? body['code'] : `HTTP ${status}`;
  const message =
    typeof body['message'] === 'string'
      ? body['message']
      : 'It gave no reason; is this an MLOS daemon?';
  return new AxonError('DAEMON_REFUSED', `The daemon at ${origin} refused: ${message} [${code}]`, {
    details: {
      daemon_code: code,
      daemon_message: message,
      daemon_details: body['details'] ?? null,
      http_status: status,
    },
  });
}

/** Whether the daemon answered with this code of its own. */
export function isRefusal(error: unknown, code: string): error is AxonError {
  return (
    error instanceof AxonError &&
    error.code === 'DAEMON_REFUSED' &&
    error.details?.['daemon_code'] === code
  );
}
