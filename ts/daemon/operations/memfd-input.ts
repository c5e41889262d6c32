import { dtypes } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { elementCount, Tensor, type TensorSpec } from '../../protocol/tensor.ts';
import { checkDtype, checkShape, tensorFromInput } from '../../protocol/tensor-input.ts';
import type { RequestFiles } from '../request-context.ts';

/**
 * Inputs whose elements lie in a memfd that came with the request:
 * `{dtype, shape, memfd: {index, offset, length}}`. What the signature says is checked before anything
 * is read. The bytes are read once into memory of ours: what the sender does to its own afterwards, or
 * meanwhile, changes nothing that was checked.
 */
interface MemfdTensor {
  readonly dtype: unknown;
  readonly shape: unknown;
  readonly memfd: unknown;
}

function isMemfdTensor(value: unknown): value is MemfdTensor {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'memfd');
}

function invalid(spec: TensorSpec, why: string): MlosError {
  return new MlosError('INVALID_ARGUMENT', `Input ${JSON.stringify(spec.name)}: ${why}`);
}

/** An input in its place of a memfd: non-negative integers, all three. */
function placeOf(
  spec: TensorSpec,
  memfd: unknown,
): { index: number; offset: number; length: number } {
  const { index, offset, length, ...rest } = (memfd ?? {}) as Record<string, unknown>;
  const numbers = [index, offset, length];
  const isRight = numbers.every((one) => Number.isSafeInteger(one) && (one as number) >= 0);
  if (!isRight || Object.keys(rest).length > 0) {
    throw invalid(
      spec,
      '"memfd" must be {"index", "offset", "length"}, three integers of 0 or more: which descriptor of the request, and which bytes of it.',
    );
  }
  const [i = 0, o = 0, l = 0] = numbers as number[];
  return { index: i, offset: o, length: l };
}

function fromMemfd(spec: TensorSpec, value: MemfdTensor, files: RequestFiles | null): Tensor {
  const label = `Input ${JSON.stringify(spec.name)}`;
  const { dtype, shape, memfd, ...rest } = value;
  const strange = Object.keys(rest)[0];
  if (strange !== undefined) {
    throw invalid(
      spec,
      `expected {"dtype", "shape", "memfd"}, but it has ${JSON.stringify(strange)}.`,
    );
  }
  checkDtype(spec, dtype);
  if (spec.dtype === 'string') {
    throw new MlosError(
      'INVALID_DTYPE',
      `${label}: strings do not travel in a memfd; send a list.`,
    );
  }
  if (!Array.isArray(shape)) throw invalid(spec, 'a memfd needs a "shape".');
  const bytes = elementCount(shape, label) * dtypes[spec.dtype].byteLength;
  checkShape(spec, shape);
  const { index, offset, length } = placeOf(spec, memfd);
  if (length !== bytes) {
    throw new MlosError(
      'INVALID_SHAPE',
      `${label}: shape [${shape.join(',')}] of ${spec.dtype} needs ${bytes} bytes, but memfd.length is ${length}.`,
      { details: { name: spec.name, shape, dtype: spec.dtype, expected: bytes, received: length } },
    );
  }
  if (files === null) {
    throw invalid(
      spec,
      'it lies in a memfd, but no descriptor came with the request (docs/ipc.md).',
    );
  }
  return new Tensor(spec.dtype, shape, files.read(index, offset, length), label);
}

/** Reads one input in any of its forms. */
export function inputReader(
  files: RequestFiles | null,
): (spec: TensorSpec, value: unknown) => Tensor {
  return (spec, value) =>
    isMemfdTensor(value) ? fromMemfd(spec, value, files) : tensorFromInput(spec, value);
}
