import type { Manifest, ManifestTensor } from '../../protocol/manifest.ts';

/** Inputs with more numbers than this are not spelled out on a command line. */
const maxNumbers = 64;

/** A command that can be pasted: zeros for the inputs where they are few, else a file to be filled. */
export function curlCommand(url: string, manifest: Manifest): string {
  const inputs = manifest.spec.io?.inputs ?? [];
  const small = inputs.length > 0 && inputs.every((input) => numbersOf(input) <= maxNumbers);
  const data = small
    ? quote(
        JSON.stringify({
          inputs: Object.fromEntries(inputs.map((input) => [input.name, zeros(input)])),
        }),
      )
    : '@request.json';
  return `curl -s ${quote(url)} -H 'content-type: application/json' -d ${data}`;
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

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
