import type { Server, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Root, Type } from 'protobufjs';
import { methodTable } from '../../../protocol/method-table.ts';
import type { MethodSpec } from '../../../protocol/methods/method.ts';
import type { RequestContext } from '../../request-context.ts';
import { type BytesMethod, bytesMethod, type ServiceTools, unaryHandler } from './calls.ts';
import { inferEventsHandler } from './infer-events.ts';
import { inferAnswer, inferParams } from './infer-messages.ts';
import { inferStreamHandler } from './infer-stream.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';

/** Every row of the method table is a call: `mlos.v1.<service>/<rpc>`. */
export const ownPackage = 'mlos.v1';

/** A row with the messages that it is asked and answered with. */
export class MethodCall {
  readonly spec: MethodSpec;
  readonly #request: Type;
  readonly #response: Type;
  readonly #tools: ServiceTools;
  readonly #isInfer: boolean;

  constructor(spec: MethodSpec, root: Root, tools: ServiceTools) {
    this.spec = spec;
    this.#request = root.lookupType(`${ownPackage}.${spec.grpc.rpc}Request`);
    this.#response = root.lookupType(`${ownPackage}.${spec.grpc.rpc}Response`);
    this.#tools = tools;
    this.#isInfer = spec.name === 'models.infer';
  }

  /** Synchronous where the dispatcher is. */
  run(message: Buffer, context: RequestContext): Buffer | Promise<Buffer> {
    const result = this.call(decodeMessage(this.#request, message), context);
    const encode = (answer: unknown) => encodeMessage(this.#response, answer as object);
    return result instanceof Promise ? result.then(encode) : encode(result);
  }

  /** From the plain form of the request to that of the response. */
  call(request: Record<string, unknown>, context: RequestContext): unknown {
    const { dispatcher } = this.#tools;
    if (!this.#isInfer) return dispatcher.call(this.spec.name, request, context);
    const params = inferParams(request);
    const result = dispatcher.call(this.spec.name, params, context);
    return result instanceof Promise
      ? result.then(inferAnswer)
      : inferAnswer(result as Record<string, unknown>);
  }
}

/** Adds the services of the method table. Returns their names. */
export function addMethodServices(server: Server, root: Root, tools: ServiceTools): string[] {
  const services = new Map<string, [Record<string, BytesMethod>, UntypedServiceImplementation]>();
  for (const spec of methodTable) {
    const { service, rpc } = spec.grpc;
    const name = `${ownPackage}.${service}`;
    const [methods, handlers] = services.get(name) ?? [{}, {}];
    services.set(name, [methods, handlers]);
    const call = new MethodCall(spec, root, tools);
    methods[rpc] = bytesMethod(name, rpc);
    handlers[rpc] = unaryHandler(tools, (message, context) => call.run(message, context));
    if (spec.name === 'models.infer') {
      methods['InferStream'] = bytesMethod(name, 'InferStream', { request: true, response: true });
      handlers['InferStream'] = inferStreamHandler(call, root, tools);
      methods['InferEvents'] = bytesMethod(name, 'InferEvents', { request: false, response: true });
      handlers['InferEvents'] = inferEventsHandler(call, root, tools);
    }
  }
  for (const [methods, handlers] of services.values()) server.addService(methods, handlers);
  return [...services.keys()];
}
