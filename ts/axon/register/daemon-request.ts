import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { parseHttpUrl } from '../download/follow.ts';
import { readBody, request } from '../download/http.ts';
import { Retryable } from '../download/retry.ts';

/** Loading gigabytes from a slow disk takes its time; the daemon itself gives up sooner. */
const answerMs = 15 * 60_000;
const maxAnswerBytes = 1024 * 1024;

type Answer = Readonly<Record<string, unknown>>;

/** Posts to the daemon. Its errors become DAEMON_REFUSED with the daemon's own code and message. */
export async function postJson(url: string, body: object, { signal }: Context): Promise<Answer> {
  const target = parseHttpUrl(url);
  let status: number;
  let bytes: Buffer | null;
  try {
    const response = await request({
      url: target,
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      stallMs: answerMs,
      signal,
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
    return answer;
  throw refused(target.origin, status, answer);
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
    details: { daemon_code: code, daemon_message: message, http_status: status },
  });
}
