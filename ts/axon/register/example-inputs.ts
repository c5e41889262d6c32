import type { Manifest, ManifestTensor } from '../../protocol/manifest.ts';

/** Inputs with more numbers than this are not spelled out. */
const maxNumbers = 64;

/** Zeros for every input where they are few, else null. */
export function exampleInputs(manifest: Manifest): Record<string, unknown> | null {
  const inputs = manifest.spec.io?.inputs ?? [];
  if (inputs.length === 0 || inputs.some((input) => numbersOf(input) > maxNumbers)) return null;
  return Object.fromEntries(inputs.map((input) => [input.name, zeros(input)]));
}

function sizes({ shape }: ManifestTensor): number[] {
  return shape.map((size) => (size === -1 ? 1 : size));
}

function numbersOf(input: ManifestTensor): number {
  return sizes(input).reduce((product, size) => product * size, 1);
}

function zeros(input: ManifestTensor): unknown {
  const zero = input.dtype === 'string' ? '' : input.dtype === 'bool' ? false : 0;
  const build = ([size, ...rest]: number[]): unknown =>
    size === undefined ? zero : Array.from({ length: size }, () => build(rest));
  return build(sizes(input));
}
