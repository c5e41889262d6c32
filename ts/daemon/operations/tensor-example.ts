import type { Signature, TensorSpec } from '../../protocol/tensor.ts';

/** Elements of all inputs together that a person still pastes. */
const mostElements = 256;

function element({ dtype }: TensorSpec): unknown {
  if (dtype === 'string') return '';
  return dtype === 'bool' ? false : 0;
}

function nested(shape: readonly number[], value: unknown): unknown {
  return shape.reduceRight<unknown>(
    (inner, dim) => Array.from({ length: dim }, () => inner),
    value,
  );
}

/** Inputs that fit a signature, all zeros, dimensions that are free 1; null where they are too many to be read. */
export function exampleInputs({ inputs }: Signature): Readonly<Record<string, unknown>> | null {
  const shapes = inputs.map(({ shape }) => (shape ?? [1]).map((dim) => (dim < 0 ? 1 : dim)));
  const counts = shapes.map((shape) => shape.reduce((product, dim) => product * dim, 1));
  if (counts.reduce((sum, count) => sum + count, 0) > mostElements) return null;
  return Object.fromEntries(
    inputs.map((spec, index) => [spec.name, nested(shapes[index] ?? [], element(spec))]),
  );
}
