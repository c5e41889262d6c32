import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Dispatcher } from '../../dispatcher.ts';
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
}

export interface HttpDoorOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
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
  };
  const library = adapter === 'node' ? 'node:http is configured' : loadUws();
  if (typeof library !== 'string') {
    const listener = await listenWithUws(library, listen);
    return withFacts(listener, 'uwebsockets', null);
  }
  if (adapter === 'uwebsockets') throw new MlosError('FAILED_PRECONDITION', library);
  return withFacts(await listenWithNode(listen), 'node', library);
}

function withFacts(
  listener: HttpListener,
  adapter: HttpAdapterName,
  adapterReason: string | null,
): HttpDoor {
  return {
    port: listener.port,
    adapter,
    adapterReason,
    get connections() {
      return listener.connections;
    },
    close: (options) => listener.close(options),
  };
}
