import type { Answer, AnswerTensor } from '../../../native/client-channel.ts';
import { unpackStrings } from '../../../native/packed-strings.ts';
import { setOwn } from '../../../protocol/own-property.ts';
import { elementCount, type Signature, Tensor } from '../../../protocol/tensor.ts';
import { violation } from '../../../smi/contract.ts';
import type { PackedRequest } from './packed-request.ts';

function readTensor(name: string, { dtype, shape, bytes }: AnswerTensor): Tensor {
  const data =
    dtype === 'string' ? unpackStrings(bytes, elementCount(shape, name)) : new Uint8Array(bytes);
  return new Tensor(dtype, shape, data, name);
}

/**
 * Copies of an answer's outputs, by name. Throws where they are not those that were asked for: the
 * plugin breaks the contract.
 */
export function readAnswer(
  signature: Signature,
  request: PackedRequest,
  answer: Answer,
): Record<string, Tensor> {
  const wanted = request.outputs.length || signature.outputs.length;
  const outputs: Record<string, Tensor> = {};
  for (const tensor of answer.outputs) {
    const name = signature.outputs[tensor.index]?.name;
    if (name === undefined) throw violation(`an answer has an output ${tensor.index}`);
    setOwn(outputs, name, readTensor(name, tensor));
  }
  if (answer.outputs.length !== wanted || Object.keys(outputs).length !== wanted) {
    throw violation(`an answer has ${answer.outputs.length} outputs; ${wanted} were asked for`);
  }
  return outputs;
}
