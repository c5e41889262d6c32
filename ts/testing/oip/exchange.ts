import { request } from 'node:http';

export interface OipReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every kind.
  readonly json: any;
  /** What follows the JSON. */
  readonly binary: Buffer;
}

/** One request as a client of the protocol sends it: no Content-Type, no body unless there is one. */
export function exchange(
  port: number,
  method: string,
  path: string,
  options: {
    readonly body?: string | Uint8Array;
    readonly headers?: Readonly<Record<string, string | number>>;
  } = {},
): Promise<OipReply> {
  const { body, headers = {} } = options;
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const length = Number(response.headers['inference-header-content-length'] ?? bytes.length);
        const isJson = response.headers['content-encoding'] === undefined && bytes.length > 0;
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes,
          json: isJson ? JSON.parse(bytes.toString('utf8', 0, length)) : null,
          binary: bytes.subarray(length),
        });
      });
    });
    sent.on('error', reject);
    if (body === undefined) sent.removeHeader('content-length');
    sent.end(body);
  });
}

/** JSON with tensors behind it, and the header that says where they begin. */
export function withBinary(json: unknown, ...tensors: readonly ArrayBufferView[]) {
  const text = Buffer.from(JSON.stringify(json));
  const bytes = tensors.map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength));
  return {
    body: Buffer.concat([text, ...bytes]),
    headers: { 'inference-header-content-length': text.byteLength },
  };
}
