import type { Dtype } from './dtype.ts';

/** Elements of all inputs together that a person still pastes. */
const mostElements = 256;

interface Input {
  readonly name: string;
  readonly dtype: Dtype;
  /** Below 0: free. Null: any shape. */
  readonly shape: readonly number[] | null;
}

function zero(dtype: Dtype): unknown {
  if (dtype === 'string') return '';
  return dtype === 'bool' ? false : 0;
}

function nested(shape: readonly number[], value: unknown): unknown {
  return shape.reduceRight<unknown>((inner, dim) => new Array<unknown>(dim).fill(inner), value);
}

/** Zeros for inputs, free dimensions 1; null where there are none, or too many numbers to be read. */
export function exampleInputs(inputs: readonly Input[]): Record<string, unknown> | null {
  const shapes = inputs.map(({ shape }) => (shape ?? [1]).map((dim) => (dim < 0 ? 1 : dim)));
  const counts = shapes.map((shape) => shape.reduce((product, dim) => product * dim, 1));
  const elements = counts.reduce((sum, count) => sum + count, 0);
  if (inputs.length === 0 || elements > mostElements) return null;
  return Object.fromEntries(
    inputs.map(({ name, dtype }, index) => [name, nested(shapes[index] ?? [], zero(dtype))]),
  );
}
