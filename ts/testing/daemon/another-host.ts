import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { DaemonProcess } from './start-daemon.ts';

/**
 * Passes everything on; paths below `home` mean nothing behind it, as on another host. `change` may
 * tamper with what is JSON.
 */
export async function anotherHost(
  t: TestContext,
  daemon: DaemonProcess,
  home: string,
  change: (json: string) => string = (json) => json,
): Promise<string> {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const whole = Buffer.concat(chunks);
      const isJson = request.headers['content-type'] === 'application/json';
      const body = isJson ? Buffer.from(change(String(whole).replaceAll(home, '/nowhere'))) : whole;
      const { host: _, ...headers } = request.headers;
      const onward = http.request({
        ...{ host: '127.0.0.1', port: daemon.httpPort, path: request.url, method: request.method },
        headers: { ...headers, 'content-length': body.length },
      });
      onward.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.end(body);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
