import type { Socket } from 'node:net';

interface Peer {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** A socket that was told to end is gone after that long, whether its client agrees or not. */
const farewellMs = 1_000;

/**
 * The open sockets of the door, by the name that a call knows its connection under: grpc-js tells a call
 * its peer's address and port, and nothing else of its connection.
 */
export class Connections {
  readonly #sockets = new Map<string, Socket>();
  #unixCount = 0;

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: Socket): void {
    if (socket.remotePort === undefined) this.#nameUnix(socket);
    const name = nameOf(socket);
    this.#sockets.set(name, socket);
    socket.once('close', () => this.#sockets.delete(name));
    // A connection that breaks is closed as well, and nobody is left to be told.
    socket.on('error', () => undefined);
    socket.once('finish', () => destroyLater(socket));
  }

  of(peer: Peer): Socket | undefined {
    return this.#sockets.get(nameOf(peer));
  }

  /** Ends all of them, in a second at most. */
  endAll(): void {
    for (const socket of this.#sockets.values()) {
      socket.destroySoon();
      destroyLater(socket);
    }
  }

  /** A Unix socket has no address; it gets one. */
  #nameUnix(socket: Socket): void {
    this.#unixCount += 1;
    Object.defineProperties(socket, {
      remoteAddress: { value: 'unix' },
      remotePort: { value: this.#unixCount },
    });
  }
}

function nameOf({ remoteAddress, remotePort }: Peer): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Leaves it a second for what it is still being told. */
export function destroyLater(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), farewellMs);
  socket.once('close', () => clearTimeout(timer));
}
