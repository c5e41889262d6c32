import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import type { TlsFiles } from '../tls-files.ts';
import { HttpHandler } from './handler.ts';
import { MethodSurface } from './method-surface.ts';
import { listenWithNode } from './node-adapter.ts';
import type { Surface } from './surface.ts';
import { listenWithUws } from './uws-adapter.ts';
import { loadUws } from './uws-library.ts';

export type HttpAdapterName = 'uwebsockets' | 'node';

/** All that the door asks of an HTTP library. */
export interface HttpListener {
  readonly port: number;
  /** Open connections; with uWebSockets.js, which does not tell, those with a request under way. */
  readonly connections: number;
  /**
   * Stops accepting and lets answers under way finish; what has not finished after `graceMs` is cut.
   * Idempotent.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly handler: HttpHandler;
  readonly maxConnections: number;
  readonly tls: TlsFiles | null;
}

export interface UnixPlace {
  readonly path: string;
  readonly mode: number;
}

export interface HttpDoorOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** A Unix socket beside the port, or none. */
  readonly unix?: UnixPlace | null;
  /** For the port; needs node:https. */
  readonly tls?: TlsFiles | null;
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  readonly adapter?: 'auto' | HttpAdapterName;
  readonly allowedHosts?: readonly string[];
  readonly allowedOrigins?: readonly string[];
  readonly maxBodyBytes?: number;
  readonly maxConnections?: number;
  /** Asked before the method table's own. */
  readonly surfaces?: readonly Surface[];
}

export interface HttpDoor extends HttpListener {
  readonly adapter: HttpAdapterName;
  /** Why uWebSockets.js is not used, or null. */
  readonly adapterReason: string | null;
}

/** Opens the HTTP door. Throws FAILED_PRECONDITION or PERMISSION_DENIED where the port cannot be had. */
export async function startHttpDoor(options: HttpDoorOptions): Promise<HttpDoor> {
  const { host, port, adapter = 'auto' } = options;
  const { allowedHosts = [], allowedOrigins = [], maxBodyBytes = limits.httpBodyBytes } = options;
  const { dispatcher, logger } = options;
  const handler = new HttpHandler({
    ...{ host, allowedHosts, allowedOrigins },
    surfaces: options.surfaces ?? [],
    rest: new MethodSurface({ dispatcher, logger, maxBodyBytes }),
  });
  const listen: ListenOptions = {
    host,
    port,
    handler,
    maxConnections: options.maxConnections ?? limits.connectionsPerDoor,
    tls: options.tls ?? null,
  };
  const library = listen.tls === null ? libraryOf(adapter) : 'TLS runs on node:https';
  if (adapter === 'uwebsockets' && typeof library === 'string') {
    throw new MlosError('FAILED_PRECONDITION', library);
  }
  const isNode = typeof library === 'string';
  const main = isNode ? await listenWithNode(listen) : await listenWithUws(library, listen);
  const facts = {
    adapter: isNode ? ('node' as const) : ('uwebsockets' as const),
    adapterReason: isNode ? library : null,
  };
  const { unix = null } = options;
  if (unix === null) return together([main], facts);
  try {
    return together([main, await listenWithNode(listen, unix)], facts);
  } catch (error) {
    await main.close({ graceMs: 0 });
    throw error;
  }
}

/** uWebSockets.js, or why it is not used. */
function libraryOf(adapter: 'auto' | HttpAdapterName): ReturnType<typeof loadUws> {
  return adapter === 'node' ? 'node:http is configured' : loadUws();
}

/** One door; its port is that of the first. */
function together(
  listeners: readonly [HttpListener, ...HttpListener[]],
  facts: Pick<HttpDoor, 'adapter' | 'adapterReason'>,
): HttpDoor {
  return {
    ...facts,
    port: listeners[0].port,
    get connections() {
      return listeners.reduce((sum, { connections }) => sum + connections, 0);
    },
    close: async (options) => {
      await Promise.all(listeners.map((listener) => listener.close(options)));
    },
  };
}
