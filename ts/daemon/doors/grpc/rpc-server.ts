import type { Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import type { Logger } from 'pino';
import { limits } from '../../../protocol/limits.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import { ByteBudget } from '../byte-budget.ts';
import type { OipService } from '../oip/service.ts';
import type { Patience } from '../patience.ts';
import type { TlsFiles } from '../tls-files.ts';
import type { Connections } from './connections.ts';
import { HealthService } from './health.ts';
import { boundIncoming } from './incoming-call.ts';
import { addMethodServices } from './method-services.ts';
import { addOipService } from './oip/service.ts';
import { loadProtos, protoFiles, protoFolder } from './protobuf.ts';
import { secureContext } from './tls.ts';

export interface RpcServerOptions {
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  readonly maxMessageBytes: number;
  readonly maxPartialMessagesBytes: number;
  readonly maxIdleMs: number;
  readonly tls: TlsFiles | null;
  readonly connections: Connections;
  readonly patience: Patience;
  readonly oip: OipService | null;
}

/**
 * grpc-js behind sockets that it is given. This file and what it imports is loaded when the first client
 * connects: some 20 MB that a daemon without gRPC clients does not hold.
 */
export class RpcServer {
  readonly #server: Server;
  readonly #health: HealthService;
  readonly #plain: { injectConnection(socket: Socket): void };
  readonly #secure: { injectConnection(socket: Socket): void } | null;
  #closing: Promise<void> | null = null;

  constructor(options: RpcServerOptions) {
    const { dispatcher, logger, connections, patience, maxMessageBytes, maxIdleMs } = options;
    const budget = new ByteBudget(options.maxPartialMessagesBytes);
    this.#server = new Server({
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': limits.grpcStreams,
      // Well before the door cuts it: who is told so loses no call that it begins at that moment.
      'grpc.max_connection_idle_ms': (3 * maxIdleMs) / 4,
      'grpc.enable_channelz': 0,
      interceptors: [boundIncoming({ connections, patience, budget, maxMessageBytes, maxIdleMs })],
    });
    const root = loadProtos();
    const tools = { dispatcher, logger, messages: new ByteBudget(limits.grpcMessagesBytes) };
    const services = addMethodServices(this.#server, root, tools);
    if (options.oip !== null) {
      services.push(addOipService(this.#server, root, tools, options.oip));
    }
    this.#health = new HealthService(tools, services);
    this.#health.addTo(this.#server, root);
    new ReflectionService(
      loadSync([...protoFiles], { keepCase: true, includeDirs: [protoFolder] }),
    ).addToServer(this.#server);
    this.#plain = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#secure =
      options.tls === null
        ? null
        : this.#server.createConnectionInjector(secureContext(options.tls));
  }

  accept(socket: Socket, isLocal: boolean): void {
    const injector = isLocal ? this.#plain : (this.#secure ?? this.#plain);
    injector.injectConnection(socket);
  }

  /** Lets calls under way finish; what has not finished after `graceMs` is cut. Idempotent. */
  close(graceMs: number): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#health.close();
      const timer = setTimeout(() => this.#server.forceShutdown(), graceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.#closing;
  }
}
