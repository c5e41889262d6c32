import { isDtype } from './dtype.ts';
import { MlosError } from './errors.ts';
import { elementCount, formatSpec, Tensor, type TensorSpec } from './tensor.ts';
import { elementsFromList } from './tensor-elements.ts';

/**
 * A caller's value → the tensor that the model's signature asks for. Accepted forms:
 * a scalar; a flat list; nested lists; `{dtype?, shape?, data}` with a list or, where the door can
 * carry them, raw little-endian bytes. Every disagreement with the signature is an error that names
 * the input, what was expected and what came.
 */
interface ExplicitTensor {
  readonly dtype: unknown;
  readonly shape: unknown;
  readonly data: unknown;
}

const explicitKeys: ReadonlySet<string> = new Set(['dtype', 'shape', 'data']);

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function invalidShape(spec: TensorSpec, received: string, hint = ''): MlosError {
  return new MlosError(
    'INVALID_SHAPE',
    `Input ${JSON.stringify(spec.name)}: expected ${formatSpec(spec)}, but ${received} came.${hint}`,
    { details: { name: spec.name, expected: formatSpec(spec), received } },
  );
}

/** Flattens nested lists; ragged ones are refused. Iterative, so that depth cannot overflow the stack. */
function flatten(
  value: readonly unknown[],
  spec: TensorSpec,
): { list: unknown[]; shape: number[] } {
  let list: unknown[] = value as unknown[];
  const shape = [list.length];
  while (list.length > 0 && Array.isArray(list[0])) {
    const width: number = list[0].length;
    const next: unknown[] = [];
    for (const row of list) {
      if (!Array.isArray(row) || row.length !== width) {
        throw invalidShape(
          spec,
          `a ragged list (rows of different length at depth ${shape.length})`,
        );
      }
      for (const element of row) next.push(element);
    }
    shape.push(width);
    elementCount(shape, `Input ${JSON.stringify(spec.name)}`);
    list = next;
  }
  return { list, shape };
}

/** Checks a shape against the signature, dimension by dimension. */
export function checkShape(spec: TensorSpec, shape: readonly number[]): void {
  if (spec.shape === null) return;
  const fits =
    shape.length === spec.shape.length &&
    spec.shape.every((dim, axis) => dim < 0 || dim === shape[axis]);
  if (!fits) throw invalidShape(spec, `shape [${shape.join(',')}]`);
}

/**
 * The shape that a flat list of `count` elements must have meant: the only dynamic dimension is
 * solved for; with more than one, a leading one is the batch and is taken as 1.
 */
export function solveShape(spec: TensorSpec, count: number): number[] {
  if (spec.shape === null || spec.shape.length === 1) return [count];
  const shape = [...spec.shape];
  if (shape.filter((dim) => dim < 0).length > 1 && (shape[0] ?? 0) < 0) shape[0] = 1;
  const unknown = shape.flatMap((dim, axis) => (dim < 0 ? [axis] : []));
  if (unknown.length > 1) {
    throw invalidShape(
      spec,
      `a flat list of ${count} elements`,
      ' Which shape it has cannot be told: nest the list, or send {"shape": […], "data": […]}.',
    );
  }
  const known = shape.reduce((product, dim) => (dim < 0 ? product : product * dim), 1);
  const axis = unknown[0];
  if (axis !== undefined) shape[axis] = known > 0 ? count / known : 0;
  const solved = axis === undefined ? known === count : Number.isInteger(shape[axis]);
  if (!solved) throw invalidShape(spec, `a flat list of ${count} elements`);
  return shape;
}

function fromList(spec: TensorSpec, value: readonly unknown[]): Tensor {
  const label = `Input ${JSON.stringify(spec.name)}`;
  const { list, shape } = flatten(value, spec);
  const resolved =
    shape.length === 1 && spec.shape?.length !== 1 ? solveShape(spec, list.length) : shape;
  checkShape(spec, resolved);
  return new Tensor(spec.dtype, resolved, elementsFromList(spec.dtype, list, label), label);
}

/** A dtype that is given is the signature's. */
export function checkDtype(spec: TensorSpec, dtype: unknown): void {
  if (dtype === undefined || dtype === spec.dtype) return;
  const known = isDtype(dtype) ? '' : ', which is no dtype';
  throw new MlosError(
    'INVALID_DTYPE',
    `Input ${JSON.stringify(spec.name)}: expected ${formatSpec(spec)}, but dtype ${JSON.stringify(dtype)}${known} came.`,
    { details: { name: spec.name, expected: spec.dtype, received: dtype } },
  );
}

function fromExplicit(spec: TensorSpec, value: ExplicitTensor): Tensor {
  const label = `Input ${JSON.stringify(spec.name)}`;
  checkDtype(spec, value.dtype);
  if (value.shape !== undefined && !Array.isArray(value.shape)) {
    throw invalidShape(spec, `a "shape" that is no list`);
  }
  const shape = value.shape as readonly number[] | undefined;
  if (shape !== undefined) elementCount(shape, label);
  if (isBytes(value.data)) {
    if (shape === undefined) throw invalidShape(spec, 'raw bytes without a "shape"');
    checkShape(spec, shape);
    return new Tensor(spec.dtype, shape, value.data, label);
  }
  if (!Array.isArray(value.data)) return fromScalar(spec, value.data);
  if (shape === undefined) return fromList(spec, value.data);
  checkShape(spec, shape);
  const { list } = flatten(value.data, spec);
  return new Tensor(spec.dtype, shape, elementsFromList(spec.dtype, list, label), label);
}

function fromScalar(spec: TensorSpec, value: unknown): Tensor {
  const label = `Input ${JSON.stringify(spec.name)}`;
  const shape = spec.shape === null ? [] : spec.shape.map((dim) => (dim < 0 ? 1 : dim));
  if (elementCount(shape, label) !== 1) throw invalidShape(spec, 'a single value');
  return new Tensor(spec.dtype, shape, elementsFromList(spec.dtype, [value], label), label);
}

/** Reads one input. Errors: INVALID_SHAPE, INVALID_DTYPE, INVALID_VALUE. */
export function tensorFromInput(spec: TensorSpec, value: unknown): Tensor {
  if (value instanceof Tensor) {
    if (value.dtype !== spec.dtype) return fromExplicit(spec, value);
    checkShape(spec, value.shape);
    return value;
  }
  if (Array.isArray(value)) return fromList(spec, value);
  if (isBytes(value)) throw invalidShape(spec, 'raw bytes without a "shape"');
  if (typeof value === 'object' && value !== null) {
    const { dtype, shape, data } = value as Record<string, unknown>;
    const strange = Object.keys(value).find((key) => !explicitKeys.has(key));
    if (strange !== undefined || data === undefined) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `Input ${JSON.stringify(spec.name)}: expected a list or {"dtype", "shape", "data"}` +
          (strange === undefined
            ? ', but "data" is missing.'
            : `, but it has ${JSON.stringify(strange)}.`),
      );
    }
    return fromExplicit(spec, { dtype, shape, data });
  }
  return fromScalar(spec, value);
}
