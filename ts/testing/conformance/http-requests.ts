import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '../../protocol/error-codes.ts';
import { limits } from '../../protocol/limits.ts';
import { rawExchange } from './raw-exchange.ts';

/** Bad requests at the level of HTTP, where only that door can be asked. */
export interface HttpRequestCase {
  readonly name: string;
  readonly request: (maxBodyBytes: number) => readonly (string | Uint8Array)[];
  readonly status: number;
  readonly code: ErrorCode;
}

function post(body: string | Uint8Array, headers = '', path = '/models/hf/double/inference') {
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}`;
  return [`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`, body];
}

function get(target: string, headers = '', verb = 'GET'): readonly string[] {
  return [`${verb} ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`];
}

export const httpRequestCases: readonly HttpRequestCase[] = [
  { name: 'bad JSON', request: () => post('{"x": [1,]}'), status: 400, code: 'INVALID_JSON' },
  { name: 'cut JSON', request: () => post('{"x": [1'), status: 400, code: 'INVALID_JSON' },
  {
    name: 'bad UTF-8',
    request: () => post(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
    status: 400,
    code: 'INVALID_JSON',
  },
  {
    name: 'depth bomb',
    request: () => post(`{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
    status: 400,
    code: 'INVALID_JSON',
  },
  {
    name: 'one level past the depth limit',
    request: () => {
      const inner = limits.jsonDepth; // With the object around it: one too many.
      return post(`{"x":${'['.repeat(inner)}${']'.repeat(inner)}}`);
    },
    status: 400,
    code: 'INVALID_JSON',
  },
  { name: 'a list as body', request: () => post('[1]'), status: 400, code: 'INVALID_ARGUMENT' },
  {
    name: 'oversize body',
    request: (maxBodyBytes) => post(Buffer.alloc(maxBodyBytes + 1, 0x20)),
    status: 413,
    code: 'PAYLOAD_TOO_LARGE',
  },
  {
    name: 'oversize body in chunks',
    request: (maxBodyBytes) => [
      'POST /models/hf/double/inference HTTP/1.1\r\nHost: localhost\r\n',
      'Transfer-Encoding: chunked\r\n\r\n',
      `${(maxBodyBytes + 1).toString(16)}\r\n`,
      Buffer.alloc(maxBodyBytes + 1, 0x20),
      '\r\n0\r\n\r\n',
    ],
    status: 413,
    code: 'PAYLOAD_TOO_LARGE',
  },
  {
    name: 'bad percent-encoding in the path',
    request: () => get('/models/hf%zzdouble'),
    status: 400,
    code: 'INVALID_ARGUMENT',
  },
  {
    name: 'bad percent-encoding in the query',
    request: () => get('/models/hf%2Fdouble?x=%E0%A4'),
    status: 400,
    code: 'INVALID_ARGUMENT',
  },
  {
    name: 'path and body disagree',
    request: () => post('{"model_id":"hf/other"}'),
    status: 400,
    code: 'INVALID_ARGUMENT',
  },
  { name: 'unknown path', request: () => get('/healht'), status: 404, code: 'UNKNOWN_METHOD' },
  {
    name: 'wrong verb',
    request: () => get('/models/hf/double/inference'),
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
  },
  {
    name: 'verb that no path has',
    request: () => get('/health', '', 'PUT'),
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
  },
  {
    name: 'multipart where no media are read',
    request: () =>
      post('{}', 'Content-Type: multipart/form-data; boundary=x\r\n', '/models/register'),
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  },
  {
    name: 'a form that is none',
    request: () => post('{}', 'Content-Type: multipart/form-data; boundary=x\r\n'),
    status: 400,
    code: 'INVALID_ARGUMENT',
  },
  {
    name: 'a film',
    request: () => post('{}', 'Content-Type: video/mp4\r\n'),
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  },
  {
    name: 'a coding that is not read',
    request: () => post('{}', 'Content-Encoding: br\r\n'),
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  },
  {
    name: 'gzip that is none',
    request: () => post('{}', 'Content-Encoding: gzip\r\n'),
    status: 400,
    code: 'INVALID_ARGUMENT',
  },
  {
    name: 'gzip that is cut',
    request: () => post(gzipSync('{"echo":1}').subarray(0, 20), 'Content-Encoding: gzip\r\n'),
    status: 400,
    code: 'INVALID_ARGUMENT',
  },
  {
    name: 'gzip of more than a body may have',
    request: (maxBodyBytes) =>
      post(gzipSync(Buffer.alloc(maxBodyBytes * 100, 0x20)), 'Content-Encoding: gzip\r\n'),
    status: 413,
    code: 'PAYLOAD_TOO_LARGE',
  },
  {
    name: 'foreign Host',
    request: () => ['GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n'],
    status: 403,
    code: 'FORBIDDEN_ORIGIN',
  },
  {
    name: 'foreign Origin',
    request: () => get('/health', 'Origin: http://evil.example\r\n'),
    status: 403,
    code: 'FORBIDDEN_ORIGIN',
  },
  {
    name: 'head over the limit',
    request: () => get('/health', `X-Long: ${'a'.repeat(limits.httpHeaderBytes)}\r\n`),
    status: 431,
    code: 'HEADERS_TOO_LARGE',
  },
];

interface HttpAnswerText {
  readonly status: number;
  readonly body: { readonly [key: string]: unknown };
}

/** Status and JSON body, or null while the answer is not whole. */
export function readHttpAnswer(received: Buffer): HttpAnswerText | null {
  const text = received.toString().replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  const split = text.indexOf('\r\n\r\n');
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
  const body = text.slice(split + 4);
  if (split < 0 || Buffer.byteLength(body) < length) return null;
  return { status, body: JSON.parse(body) as HttpAnswerText['body'] };
}

/** Every bad request must get its status and code, in the one form that errors have. */
export async function runHttpRequestCases(port: number, maxBodyBytes: number): Promise<void> {
  for (const { name, request, status, code } of httpRequestCases) {
    const { received } = await rawExchange({ host: '127.0.0.1', port }, request(maxBodyBytes), {
      until: (bytes) => readHttpAnswer(bytes) !== null,
    });
    const answer = readHttpAnswer(received);
    assert.ok(answer !== null, `${name}: no whole answer, but ${JSON.stringify(String(received))}`);
    assert.equal(answer.status, status, `${name}: ${JSON.stringify(answer.body)}`);
    assert.equal(answer.body['code'], code, name);
    assert.equal(answer.body['status'], 'error', name);
    assert.equal(typeof answer.body['message'], 'string', name);
  }
}
