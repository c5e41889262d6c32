import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import type { Peer } from '../../request-context.ts';
import { ByteBudget } from '../byte-budget.ts';
import { listenAt, type SocketFile } from '../socket-file.ts';
import { IpcConnection } from './connection.ts';
import type { FrameBounds } from './frame-input.ts';

export interface IpcDoorOptions {
  readonly socketPath: string;
  /** File mode of the socket: who may connect. 0600 unless told. */
  readonly mode?: number;
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  readonly maxFrameBytes?: number;
  /** Bytes of unfinished frames that all connections may hold together. */
  readonly maxPartialFramesBytes?: number;
  /** How long a frame that has begun may go without its end, or `frameProgressBytes` more of it. */
  readonly frameStallMs?: number;
  readonly frameProgressBytes?: number;
  readonly maxConnections?: number;
  /** Descriptors of requests under way that all connections may hold together. */
  readonly maxHeldDescriptors?: number;
  /**
   * Asks the kernel who connected; without it no descriptors travel. It refuses the client by throwing
   * an MlosError, which the client is answered.
   */
  readonly peerOf?: (socket: Socket) => Peer;
  /** Whether the client has closed its socket altogether; without it a failing write tells. */
  readonly isGone?: (socket: Socket) => boolean;
}

export interface IpcDoor {
  readonly path: string;
  readonly connections: number;
  /**
   * Stops accepting, removes the socket file and lets requests under way be answered; what has not
   * finished after `graceMs` is cut. Idempotent.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Opens the IPC door. Throws FAILED_PRECONDITION or PERMISSION_DENIED where the path cannot be had. */
export async function startIpcDoor(options: IpcDoorOptions): Promise<IpcDoor> {
  const clients = new Map<Socket, IpcConnection>();
  const descriptors = new ByteBudget(options.maxHeldDescriptors ?? limits.ipcHeldDescriptors);
  const frames: FrameBounds = {
    maxBytes: options.maxFrameBytes ?? limits.ipcFrameBytes,
    budget: new ByteBudget(options.maxPartialFramesBytes ?? limits.ipcPartialFramesBytes),
    stallMs: options.frameStallMs ?? limits.ipcStallMs,
    progressBytes: options.frameProgressBytes ?? limits.ipcProgressBytes,
  };
  // allowHalfOpen: a client may end its side after its last request and still read the answers.
  const server = createServer({ allowHalfOpen: true }, (socket) =>
    accept(socket, options, { frames, descriptors, clients }),
  );
  server.maxConnections = options.maxConnections ?? limits.connectionsPerDoor;
  const file = await listenAt(server, options.socketPath, options.mode ?? 0o600);
  return new OpenIpcDoor(server, file, { path: options.socketPath, clients });
}

function accept(
  socket: Socket,
  options: IpcDoorOptions,
  shared: {
    readonly frames: FrameBounds;
    readonly descriptors: ByteBudget;
    readonly clients: Map<Socket, IpcConnection>;
  },
): void {
  const { dispatcher, logger } = options;
  const { frames, descriptors, clients } = shared;
  let peer: Peer | null = null;
  let refusal: MlosError | null = null;
  try {
    peer = options.peerOf?.(socket) ?? null;
    logger.debug({ peer }, 'ipc: connected');
  } catch (thrown) {
    refusal = MlosError.from(thrown);
  }
  const isGone = options.isGone ?? (() => false);
  const connection = new IpcConnection({
    ...{ socket, peer, dispatcher, logger, frames, descriptors, isGone },
  });
  clients.set(socket, connection);
  socket.once('close', () => clients.delete(socket));
  if (refusal !== null) connection.refuse(refusal);
}

class OpenIpcDoor implements IpcDoor {
  readonly path: string;
  readonly #server: Server;
  readonly #file: SocketFile;
  readonly #clients: ReadonlyMap<Socket, IpcConnection>;
  #closed: Promise<void> | null = null;

  constructor(
    server: Server,
    file: SocketFile,
    facts: { readonly path: string; readonly clients: ReadonlyMap<Socket, IpcConnection> },
  ) {
    this.#server = server;
    this.#file = file;
    this.path = facts.path;
    this.#clients = facts.clients;
  }

  get connections(): number {
    return this.#clients.size;
  }

  close({ graceMs = limits.drainMs }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    await this.#file.remove();
    for (const connection of this.#clients.values()) connection.drain();
    const timer = setTimeout(() => {
      for (const socket of this.#clients.keys()) socket.destroy();
    }, graceMs);
    await ended;
    clearTimeout(timer);
  }
}
