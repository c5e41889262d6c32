import type { Server, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Root } from 'protobufjs';
import type { OipService } from '../../oip/service.ts';
import { type BytesMethod, bytesMethod, type ServiceTools, unaryHandler } from '../calls.ts';
import { decodeMessage, encodeMessage } from '../message-codec.ts';
import { oipCalls } from './calls.ts';
import { modelStreamInfer } from './stream.ts';

/** The Open Inference Protocol over gRPC: `inference.GRPCInferenceService`. Returns its name. */
export function addOipService(
  server: Server,
  root: Root,
  tools: ServiceTools,
  service: OipService,
): string {
  const name = 'inference.GRPCInferenceService';
  const methods: Record<string, BytesMethod> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const [rpc, answer] of Object.entries(oipCalls)) {
    const request = root.lookupType(`inference.${rpc}Request`);
    const response = root.lookupType(`inference.${rpc}Response`);
    methods[rpc] = bytesMethod(name, rpc);
    handlers[rpc] = unaryHandler(tools, async (message, context) =>
      encodeMessage(response, await answer(service, decodeMessage(request, message), context)),
    );
  }
  methods['ModelStreamInfer'] = bytesMethod(name, 'ModelStreamInfer', {
    request: true,
    response: true,
  });
  handlers['ModelStreamInfer'] = modelStreamInfer(service, root, tools);
  server.addService(methods, handlers);
  return name;
}
