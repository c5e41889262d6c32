import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { limits } from '../../../protocol/limits.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import { listenError } from '../listen-error.ts';
import type { OipService } from '../oip/service.ts';
import { Patience } from '../patience.ts';
import { listenAt, type SocketFile } from '../socket-file.ts';
import type { TlsFiles } from '../tls-files.ts';
import { Connections } from './connections.ts';
import type { RpcServer } from './rpc-server.ts';

export interface GrpcDoorOptions {
  /** Null: no TCP port. */
  readonly tcp: { readonly host: string; readonly port: number } | null;
  /** Null: no Unix socket. */
  readonly unix: { readonly path: string; readonly mode: number } | null;
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  /** For TCP; a Unix socket is plain. */
  readonly tls?: TlsFiles | null;
  /** The Open Inference Protocol; null or left out: not served. */
  readonly oip?: OipService | null;
  readonly maxMessageBytes?: number;
  /** Bytes of messages that have not wholly arrived, over all connections. */
  readonly maxPartialMessagesBytes?: number;
  readonly maxConnections?: number;
  /** A connection without a call, and a call without its message, are cut after that long. */
  readonly maxIdleMs?: number;
}

export interface GrpcDoor {
  /** 0 where there is no TCP port. */
  readonly port: number;
  readonly path: string | null;
  readonly connections: number;
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Opens the gRPC door. Throws FAILED_PRECONDITION or PERMISSION_DENIED where a place cannot be had. */
export async function startGrpcDoor(options: GrpcDoorOptions): Promise<GrpcDoor> {
  const door = new OpenGrpcDoor(options);
  try {
    await door.listen();
    return door;
  } catch (error) {
    await door.close({ graceMs: 0 });
    throw error;
  }
}

/**
 * Owns the sockets: how many, how long they may say nothing, and when they are gone. What is said on them
 * is grpc-js's, which is loaded when the first client connects.
 */
class OpenGrpcDoor implements GrpcDoor {
  readonly #options: GrpcDoorOptions;
  readonly #patience: Patience;
  readonly #connections: Connections;
  readonly #servers: Server[] = [];
  #file: SocketFile | null = null;
  #port = 0;
  #rpc: Promise<RpcServer> | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: GrpcDoorOptions) {
    this.#options = options;
    this.#patience = new Patience(this.#maxIdleMs);
    this.#connections = new Connections(this.#patience);
  }

  get #maxIdleMs(): number {
    return this.#options.maxIdleMs ?? limits.grpcIdleMs;
  }

  get port(): number {
    return this.#port;
  }

  get path(): string | null {
    return this.#options.unix?.path ?? null;
  }

  get connections(): number {
    return this.#connections.size;
  }

  async listen(): Promise<void> {
    const { tcp, unix } = this.#options;
    if (tcp !== null) {
      this.#port = await listenOn(this.#server(false), tcp.host, tcp.port);
    }
    if (unix !== null) this.#file = await listenAt(this.#server(true), unix.path, unix.mode);
  }

  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.graceMs ?? limits.drainMs);
    return this.#closing;
  }

  #server(isLocal: boolean): Server {
    // noDelay: small answers would wait for the client's delayed acknowledgement, 40 ms.
    const server = createServer({ noDelay: true }, (socket) => {
      if (this.#connections.size >= (this.#options.maxConnections ?? limits.connectionsPerDoor)) {
        socket.destroy();
        return;
      }
      this.#accept(socket, isLocal);
    });
    this.#servers.push(server);
    return server;
  }

  #accept(socket: Socket, isLocal: boolean): void {
    this.#connections.add(socket);
    this.#rpc ??= this.#load();
    this.#rpc.then(
      (rpc) => {
        if (!socket.destroyed) rpc.accept(socket, isLocal);
      },
      (err: unknown) => {
        this.#options.logger.error({ err }, 'grpc: the door cannot be opened');
        socket.destroy();
      },
    );
  }

  async #load(): Promise<RpcServer> {
    const { RpcServer } = await import('./rpc-server.ts');
    const { dispatcher, logger, tls = null, oip = null } = this.#options;
    return new RpcServer({
      dispatcher,
      logger,
      tls,
      oip,
      connections: this.#connections,
      patience: this.#patience,
      maxMessageBytes: this.#options.maxMessageBytes ?? limits.grpcMessageBytes,
      maxPartialMessagesBytes:
        this.#options.maxPartialMessagesBytes ?? limits.grpcPartialMessagesBytes,
      maxIdleMs: this.#maxIdleMs,
    });
  }

  async #close(graceMs: number): Promise<void> {
    const ended = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    await this.#file?.remove();
    if (this.#rpc !== null) await (await this.#rpc).close(graceMs);
    this.#connections.endAll();
    await Promise.all(ended);
  }
}

function listenOn(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError('gRPC', error, host, port)));
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
