import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Root } from 'protobufjs';
import type { RequestContext } from '../../../request-context.ts';
import type { OipService } from '../../oip/service.ts';
import { failure, type ServiceTools } from '../calls.ts';
import { decodeMessage, encodeMessage } from '../message-codec.ts';
import { orderedStream } from '../ordered-stream.ts';
import { inferResponse, readInferRequest, textField, wantsFinal } from './infer-messages.ts';

const finalResponse = { triton_final_response: { bool_param: true } };

/** ModelStreamInfer. Every model here answers a request once, so its answer is the final one. */
export function modelStreamInfer(
  service: OipService,
  root: Root,
  tools: ServiceTools,
): (call: ServerDuplexStream<Buffer, Buffer>) => void {
  const requestType = root.lookupType('inference.ModelInferRequest');
  const responseType = root.lookupType('inference.ModelStreamInferResponse');

  const refuse = (thrown: unknown, id: string, context: RequestContext): Buffer => {
    const { message } = failure(thrown, context.requestId, tools.logger);
    return encodeMessage(responseType, { error_message: message, infer_response: { id } });
  };

  return orderedStream(tools, {
    answer: async (message, context) => {
      let id = '';
      try {
        const fields = decodeMessage(requestType, message);
        id = textField(fields, 'id');
        const request = readInferRequest(fields);
        const answer = inferResponse(await service.inference.infer(request, context));
        const parameters = wantsFinal(request) ? { parameters: finalResponse } : {};
        return encodeMessage(responseType, { infer_response: { ...answer, ...parameters } });
      } catch (thrown) {
        return refuse(thrown, id, context);
      }
    },
    refuse: (error, context) => refuse(error, '', context),
  });
}
