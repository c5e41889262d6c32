import type { Socket } from 'node:net';
import type { Owed, Patience } from '../patience.ts';

interface Peer {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** A socket that was told to end is gone after that long, whether its client agrees or not. */
const farewellMs = 1_000;

/** One client, cut where it says nothing that is a call. */
export class Connection implements Owed {
  readonly socket: Socket;
  readonly #patience: Patience;
  #calls = 0;

  constructor(socket: Socket, patience: Patience) {
    this.socket = socket;
    this.#patience = patience;
    patience.wait(this);
    socket.once('close', () => patience.stop(this));
    // A connection that breaks is closed as well, and nobody is left to be told.
    socket.on('error', () => undefined);
    socket.once('finish', () => this.endLater());
  }

  callBegins(): void {
    this.#calls += 1;
    this.#patience.stop(this);
  }

  callEnds(): void {
    this.#calls -= 1;
    if (this.#calls === 0 && !this.socket.destroyed) this.#patience.wait(this);
  }

  giveUp(): void {
    this.socket.destroy();
  }

  /** Leaves it a second for what it is still being told. */
  endLater(): void {
    const timer = setTimeout(() => this.socket.destroy(), farewellMs);
    this.socket.once('close', () => clearTimeout(timer));
  }
}

/**
 * The open sockets of the door, by the name that a call knows its connection under: grpc-js tells a call
 * its peer's address and port, and nothing else of its connection.
 */
export class Connections {
  readonly #connections = new Map<string, Connection>();
  readonly #patience: Patience;
  #unixCount = 0;

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  get size(): number {
    return this.#connections.size;
  }

  add(socket: Socket): void {
    if (socket.remotePort === undefined) this.#nameUnix(socket);
    const name = nameOf(socket);
    this.#connections.set(name, new Connection(socket, this.#patience));
    socket.once('close', () => this.#connections.delete(name));
  }

  of(peer: Peer): Connection | undefined {
    return this.#connections.get(nameOf(peer));
  }

  /** Ends all of them, in a second at most. */
  endAll(): void {
    for (const connection of this.#connections.values()) {
      connection.socket.destroySoon();
      connection.endLater();
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
