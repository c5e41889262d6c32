import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface WebProxyDouble {
  readonly address: string;
  /** What it was asked for: `GET http://…`, `CONNECT host:port`. */
  readonly asked: string[];
}

/** A proxy of a network where every host name means this machine. `login`: only for `user:password`. */
export async function startWebProxy(t: TestContext, login?: string): Promise<WebProxyDouble> {
  const asked: string[] = [];
  const wanted = `Basic ${Buffer.from(login ?? '').toString('base64')}`;
  const isGood = ({ headers }: http.IncomingMessage) =>
    login === undefined || headers['proxy-authorization'] === wanted;
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (!isGood(request)) {
      response.writeHead(407).end();
      return;
    }
    const { port, pathname, search } = new URL(request.url ?? '');
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const path = pathname + search;
    const onward = http.request({ port, path, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  const tunnels = new Set<net.Socket>();
  server.on('connect', (request, socket: net.Socket) => {
    asked.push(`CONNECT ${request.url}`);
    tunnels.add(socket);
    socket.on('error', () => undefined);
    if (!isGood(request)) {
      socket.end('HTTP/1.1 407 Who are you\r\n\r\n');
      return;
    }
    const onward = net.connect(Number(new URL(`http://${request.url}`).port || 443), '127.0.0.1');
    tunnels.add(onward);
    onward.on('connect', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.end('HTTP/1.1 502 Nobody there\r\n\r\n'));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  t.after(() => {
    for (const socket of tunnels) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}
