import type { Dtype } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { tensorsOfSignature, unknownInput } from '../../protocol/signature-inputs.ts';
import { formatSpec, type Signature, Tensor, type TensorSpec } from '../../protocol/tensor.ts';
import { checkShape, solveShape, tensorFromInput } from '../../protocol/tensor-input.ts';
import {
  dtypeOfArray,
  type InferInput,
  inputToWire,
  isNumberArray,
  type NumberArray,
} from '../tensor-wire.ts';

/** Dtypes whose elements lie in a typed array of another name. */
const carriers: Readonly<Partial<Record<Dtype, Dtype>>> = {
  float16: 'uint16',
  bfloat16: 'uint16',
  bool: 'uint8',
};

/** A typed array without a shape: the one that so many elements must have, as with a flat list. */
function fromArray(spec: TensorSpec, array: NumberArray): Tensor {
  const dtype = dtypeOfArray[array.constructor.name];
  if (dtype !== spec.dtype && dtype !== carriers[spec.dtype]) {
    throw new MlosError(
      'INVALID_DTYPE',
      `Input ${JSON.stringify(spec.name)}: expected ${formatSpec(spec)}, but a ` +
        `${array.constructor.name} came.`,
      { details: { name: spec.name, expected: spec.dtype, received: dtype } },
    );
  }
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const shape = solveShape(spec, array.length);
  checkShape(spec, shape);
  return new Tensor(spec.dtype, shape, bytes);
}

function read(spec: TensorSpec, value: unknown): Tensor {
  if (isNumberArray(value)) return fromArray(spec, value);
  return tensorFromInput(spec, inputToWire(value as InferInput));
}

/**
 * The caller's values as the tensors of the signature, in its order, with the errors that the daemon
 * has for them. Elements given as bytes are not copied.
 */
export function readTensors(
  modelId: string,
  signature: Signature,
  inputs: Readonly<Record<string, InferInput>>,
): Tensor[] {
  const values = new Map<string, unknown>(Object.entries(inputs));
  for (const name of values.keys()) {
    if (!signature.inputs.some((spec) => spec.name === name)) {
      throw unknownInput(modelId, name, signature);
    }
  }
  const tensors = tensorsOfSignature(modelId, values, signature, read);
  return signature.inputs.map((spec) => tensors.get(spec.name) as Tensor);
}
