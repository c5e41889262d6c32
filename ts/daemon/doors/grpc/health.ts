import {
  status as grpcStatus,
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type { Root } from 'protobufjs';
import { MlosError } from '../../../protocol/errors.ts';
import { RequestContext } from '../../request-context.ts';
import { bytesMethod, type ServiceTools } from './calls.ts';
import { statusOf } from './error.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';

/** grpc.health.v1: the whole daemon (the empty name) and each of its services are as ready as /readyz says. */
const serving = 1;
const notServing = 2;
const serviceUnknown = 3;
/** How often the state is looked at while somebody watches it. */
const watchMs = 500;

type WatchCall = ServerWritableStream<Buffer, Buffer>;

export class HealthService {
  readonly #tools: ServiceTools;
  readonly #services: ReadonlySet<string>;
  readonly #watches = new Map<WatchCall, { readonly service: string; last: number }>();
  #timer: NodeJS.Timeout | null = null;

  constructor(tools: ServiceTools, services: readonly string[]) {
    this.#tools = tools;
    this.#services = new Set(['', ...services]);
  }

  addTo(server: Server, root: Root): void {
    const request = root.lookupType('grpc.health.v1.HealthCheckRequest');
    const response = root.lookupType('grpc.health.v1.HealthCheckResponse');
    const encode = (status: number) => encodeMessage(response, { status });
    const serviceOf = (message: Buffer) => String(decodeMessage(request, message)['service'] ?? '');
    const name = 'grpc.health.v1.Health';
    const methods = {
      Check: bytesMethod(name, 'Check'),
      Watch: bytesMethod(name, 'Watch', { request: false, response: true }),
    };
    server.addService(methods, {
      Check: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
        try {
          const status = this.#status(serviceOf(call.request));
          if (status !== serviceUnknown) callback(null, encode(status));
          else callback({ code: grpcStatus.NOT_FOUND, details: 'There is no such service.' });
        } catch (thrown) {
          callback(statusOf(MlosError.from(thrown), null));
        }
      },
      Watch: (call: WatchCall) => this.#watch(call, serviceOf, encode),
    });
  }

  /** Ends all watches: a stream that never ends would keep the door open. */
  close(): void {
    for (const call of this.#watches.keys()) {
      const error = new MlosError('SHUTTING_DOWN', 'The daemon is shutting down.');
      call.emit('error', statusOf(error, null));
    }
    this.#watches.clear();
    this.#stop();
  }

  #status(service: string): number {
    if (!this.#services.has(service)) return serviceUnknown;
    const { dispatcher } = this.#tools;
    const health = dispatcher.call('health.get', {}, new RequestContext('grpc'));
    const readiness = dispatcher.call('health.ready', {}, new RequestContext('grpc'));
    const { status } = health as { readonly status: string };
    const { ready } = readiness as { readonly ready: boolean };
    return ready && status === 'healthy' ? serving : notServing;
  }

  #watch(
    call: WatchCall,
    serviceOf: (message: Buffer) => string,
    encode: (status: number) => Buffer,
  ): void {
    let service: string;
    try {
      service = serviceOf(call.request);
    } catch (thrown) {
      call.emit('error', statusOf(MlosError.from(thrown), null));
      return;
    }
    const watch = { service, last: this.#status(service) };
    call.write(encode(watch.last));
    this.#watches.set(call, watch);
    call.once('cancelled', () => {
      this.#watches.delete(call);
      if (this.#watches.size === 0) this.#stop();
    });
    this.#timer ??= setInterval(() => {
      for (const [open, state] of this.#watches) {
        const now = this.#status(state.service);
        if (now === state.last) continue;
        state.last = now;
        open.write(encode(now));
      }
    }, watchMs).unref();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
