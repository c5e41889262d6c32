import type { Params, Result } from '../../../protocol/method-table.ts';
import { Tensor } from '../../../protocol/tensor.ts';
import { datatypeOf, type InputValue } from './tensors.ts';
import type { TracedAnswer, TracedTensor } from './tracer.ts';
import type { OipInferRequest } from './types.ts';

/** What a trace keeps of a request that was answered. Elements become texts only where they are wanted. */
export function tracedAnswer(
  params: Params<'models.infer'>,
  request: OipInferRequest,
  result: Result<'models.infer'>,
): TracedAnswer {
  const inputs = Object.entries(params.inputs ?? {}) as [string, InputValue][];
  const outputs = Object.entries(result.outputs ?? {}) as [string, Tensor][];
  return {
    modelVersion: String(result.ordinal),
    requestId: request.id,
    queueUs: result.queue_time_us,
    runUs: result.inference_time_us,
    inputs: inputs.map(([name, value]) => traced(name, value)),
    outputs: outputs.map(([name, tensor]) => traced(name, tensor)),
  };
}

function traced(name: string, { dtype, shape, data }: InputValue): TracedTensor {
  const elements = () =>
    data instanceof Uint8Array ? new Tensor(dtype, shape, data, name).toJSON() : data.flat(64);
  return { name, datatype: datatypeOf(dtype), shape, data: () => elements().join(',') };
}
