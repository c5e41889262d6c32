import type { TensorSlot } from '../../native/client-channel.ts';
import { type Dtype, dtypes, isDtype } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { missingInput, unknownInput } from '../../protocol/signature-inputs.ts';
import {
  elementCount,
  formatSpec,
  type Signature,
  type TensorSpec,
} from '../../protocol/tensor.ts';
import { checkShape } from '../../protocol/tensor-input.ts';

/** The shape of one input; its dtype may be named, to be checked. */
export type InputShape =
  | readonly number[]
  | { readonly dtype?: Dtype; readonly shape: readonly number[] };

function checkDtype(spec: TensorSpec, dtype: unknown): void {
  if (dtype === undefined || dtype === spec.dtype) return;
  const known = isDtype(dtype) ? '' : ', which is no dtype';
  throw new MlosError(
    'INVALID_DTYPE',
    `Input ${JSON.stringify(spec.name)}: expected ${formatSpec(spec)}, but dtype ` +
      `${JSON.stringify(dtype)}${known} came.`,
    { details: { name: spec.name, expected: spec.dtype, received: dtype } },
  );
}

/** The only shape that the model takes, or null. */
function fixedShape(spec: TensorSpec): readonly number[] | null {
  return spec.shape?.every((dim) => dim >= 0) === true ? spec.shape : null;
}

function slotOf(
  modelId: string,
  spec: TensorSpec,
  index: number,
  given: InputShape | undefined,
): TensorSlot {
  if (spec.dtype === 'string') {
    throw new MlosError(
      'UNIMPLEMENTED',
      `Input ${JSON.stringify(spec.name)} is of strings, which have no place of a fixed size to be ` +
        'written to. Call infer() or inferSync() of the model itself.',
    );
  }
  const named = given !== undefined && 'shape' in given ? given : undefined;
  checkDtype(spec, named?.dtype);
  const shape = named?.shape ?? (given as readonly number[] | undefined) ?? fixedShape(spec);
  if (shape === null) throw missingInput(modelId, spec);
  const elements = elementCount(shape, `Input ${JSON.stringify(spec.name)}`);
  checkShape(spec, shape);
  return {
    index,
    dtype: spec.dtype,
    shape: [...shape],
    byteLength: elements * dtypes[spec.dtype].byteLength,
  };
}

/**
 * The places of a request's inputs. A shape may be left out where the model takes only one.
 * Errors: UNKNOWN_INPUT, MISSING_INPUT, INVALID_SHAPE, INVALID_DTYPE, UNIMPLEMENTED.
 */
export function slotsOf(
  modelId: string,
  signature: Signature,
  shapes: Readonly<Record<string, InputShape>>,
): TensorSlot[] {
  const given = new Map(Object.entries(shapes));
  for (const name of given.keys()) {
    if (!signature.inputs.some((spec) => spec.name === name)) {
      throw unknownInput(modelId, name, signature);
    }
  }
  return signature.inputs.map((spec, index) => slotOf(modelId, spec, index, given.get(spec.name)));
}
