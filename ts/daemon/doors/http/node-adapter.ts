import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { listenError } from '../listen-error.ts';
import { Patience } from '../patience.ts';
import { listenAt, type SocketFile } from '../socket-file.ts';
import type { TlsFiles } from '../tls-files.ts';
import { errorAnswer } from './error.ts';
import { NodeExchange } from './node-exchange.ts';
import type { HttpListener, ListenOptions, UnixPlace } from './server.ts';
import { bodyBytes } from './surface.ts';

/**
 * The door on node:http, for hosts where uWebSockets.js has no binary, for TLS, and for a Unix socket, which is
 * made as the IPC door's is. Node's own defaults are lenient (a head may take 60 s, checked every 30 s), so every one is set.
 */
const keepAliveMs = 5_000;
const checkEveryMs = 1_000;
/** A whole request may take this long, however steadily it drips. */
const requestMs = 300_000;

class NodeListener implements HttpListener {
  readonly #server: Server;
  readonly #state: { draining: boolean };
  #connections = 0;
  #file: SocketFile | null = null;
  #closed: Promise<void> | null = null;

  constructor(server: Server, state: { draining: boolean }) {
    this.#server = server;
    this.#state = state;
    server.on('connection', (socket) => {
      this.#connections += 1;
      socket.once('close', () => {
        this.#connections -= 1;
      });
    });
  }

  /** At a port, or at a path. */
  async listen(place: Pick<ListenOptions, 'host' | 'port'> | UnixPlace): Promise<void> {
    if ('path' in place) {
      this.#file = await listenAt(this.#server, place.path, place.mode);
      return;
    }
    const { host, port } = place;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError('HTTP', error, host, port)));
      this.#server.listen({ host, port, exclusive: true }, resolve);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  get connections(): number {
    return this.#connections;
  }

  close({ graceMs = limits.drainMs }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    this.#state.draining = true;
    await this.#file?.remove();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs);
      this.#server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      this.#server.closeIdleConnections();
    });
  }
}

function secure({ cert, key, clientCa }: TlsFiles) {
  return {
    ...{ cert, key, handshakeTimeout: limits.httpHeadersTimeoutMs },
    ...(clientCa === null ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  };
}

/** Listens at the port, or at the path where there is one. */
export async function listenWithNode(
  options: ListenOptions,
  unix: UnixPlace | null = null,
): Promise<HttpListener> {
  const { handler, maxConnections, tls } = options;
  const state = { draining: false };
  const settings = {
    maxHeaderSize: limits.httpHeaderBytes,
    headersTimeout: limits.httpHeadersTimeoutMs,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: checkEveryMs,
    noDelay: true,
  };
  const server =
    tls === null || unix !== null
      ? createServer(settings)
      : createSecureServer({ ...settings, ...secure(tls) });
  server.maxConnections = maxConnections;
  const door = {
    isDraining: () => state.draining,
    patience: new Patience(limits.httpBodyStallMs),
  };
  const onRequest = (req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean) => {
    new NodeExchange(req, res, handler, door).start(awaitsContinue);
  };
  server.on('request', (req, res) => onRequest(req, res, false));
  // Without this listener node says 100 before anybody has looked at the announced length.
  server.on('checkContinue', (req, res) => onRequest(req, res, true));
  server.on('clientError', refuseUnreadable);
  const listener = new NodeListener(server, state);
  await listener.listen(unix ?? options);
  return listener;
}

/** What the parser of node refuses. A connection that timed out or broke gets no answer. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  const isSilent = error.code === 'ECONNRESET' || error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  if (isSilent || !socket.writable) {
    socket.destroy();
    return;
  }
  const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const answer = errorAnswer(
    isTooLarge
      ? new MlosError(
          'HEADERS_TOO_LARGE',
          `The request head is larger than ${limits.httpHeaderBytes} bytes.`,
        )
      : new MlosError('INVALID_ARGUMENT', 'The bytes sent are not an HTTP/1.1 request.'),
  );
  const line = isTooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(
    `HTTP/1.1 ${line}\r\ncontent-type: application/json\r\nconnection: close\r\n` +
      `content-length: ${bodyBytes(answer.body)}\r\n\r\n${answer.body}`,
  );
}
