import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';

const leastPiece = 1024;
const mostPiece = 48 * 1024;

/**
 * One file with ranges, from a server whose lines are cut: after so many bytes in all it stops in the
 * middle of them, on every connection. It counts what the other side has got: before a cut it waits until
 * nothing is on its way any more.
 */
export class CuttingServer {
  readonly #data: Buffer;
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  #budget = Number.POSITIVE_INFINITY;
  #cutting = false;
  #end: (() => Promise<void> | void) | null = null;
  /** Whether ranges are known here. */
  ranged = true;
  /** Bytes of the file that were sent so far. */
  sent = 0;
  cuts = 0;

  constructor(data: Buffer) {
    this.#data = data;
    this.#server = http.createServer((request, response) => void this.#answer(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/file`;
  }

  /** The next cut comes after so many bytes; `end` happens before the connections are reset, and may order another. */
  cutAfter(bytes: number, end: () => Promise<void> | void = () => undefined): void {
    this.#budget = bytes;
    this.#end = end;
  }

  neverCut(): void {
    this.#budget = Number.POSITIVE_INFINITY;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const size = this.#data.length;
    const range = this.ranged ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') : null;
    const start = Number(range?.[1] ?? 0);
    const end = range?.[2] ? Math.min(size, Number(range[2]) + 1) : size;
    response.writeHead(range === null ? 200 : 206, {
      'content-length': end - start,
      ...(range === null ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
    });
    for (let at = start; at < end && !response.destroyed; ) {
      if (this.#budget <= 0) {
        if (!this.#cutting) void this.#cutAll();
        return;
      }
      const most = leastPiece + Math.floor(Math.random() * (mostPiece - leastPiece));
      const piece = this.#data.subarray(at, Math.min(end, at + most, at + this.#budget));
      this.#budget -= piece.length;
      this.sent += piece.length;
      at += piece.length;
      await new Promise<void>((resolve) => response.write(piece, () => resolve()));
      await turn();
    }
    response.end();
  }

  async #cutAll(): Promise<void> {
    this.#cutting = true;
    while ([...this.#sockets].some((socket) => unread(socket) > 0)) await sleep(1);
    this.cuts += 1;
    this.#budget = Number.POSITIVE_INFINITY;
    await this.#end?.();
    this.#cutting = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}

/** Bytes that wait on either side of the connection, as the kernel tells. */
function unread(socket: Socket): number {
  const port = (number: number | undefined) =>
    (number ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const [mine, theirs] = [port(socket.localPort), port(socket.remotePort)];
  let bytes = 0;
  for (const line of fs.readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, from = '', to = '', , queues = ''] = line.trim().split(/\s+/);
    const ours = from.endsWith(`:${mine}`) && to.endsWith(`:${theirs}`);
    const other = from.endsWith(`:${theirs}`) && to.endsWith(`:${mine}`);
    const [out = '0', into = '0'] = queues.split(':');
    if (ours) bytes += Number.parseInt(out, 16);
    if (other) bytes += Number.parseInt(into, 16);
  }
  return bytes;
}
