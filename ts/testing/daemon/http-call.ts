import { Agent, request } from 'node:http';

export interface HttpReply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every kind.
  readonly body: any;
}

/** Plain JSON over HTTP, without anything of ours that could hide a fault of the door. */
export class HttpCaller {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(port: number) {
    this.#port = port;
  }

  get(path: string): Promise<HttpReply> {
    return this.send('GET', path);
  }

  post(path: string, body: unknown = {}): Promise<HttpReply> {
    return this.send('POST', path, JSON.stringify(body));
  }

  /** Rejects where the connection ends without an answer. */
  send(method: string, path: string, body?: string | Uint8Array): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const headers =
        body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const options = { host: '127.0.0.1', port: this.#port, method, path, headers };
      const sent = request({ ...options, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
