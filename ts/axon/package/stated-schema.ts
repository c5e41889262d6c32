import type { Manifest, ManifestTensor } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import { formatOf } from '../formats/file-kinds.ts';
import type { IoSchema } from '../formats/io-schema.ts';
import { readFacts } from '../formats/read-facts.ts';

/**
 * Inputs and outputs that a manifest states have to be those of the model's file, where that says them and is read
 * here. Authors may add descriptions and labels, and fix a dimension that the file leaves open.
 */
export function requireTrueSchema(root: string, { spec }: Manifest): void {
  const { io: stated } = spec;
  const file = onlyModel(spec.format);
  const format = file === null ? null : formatOf(file);
  if (stated === undefined || file === null || format === null) return;
  const names = spec.format.files.map(({ path }) => path);
  const { io: found } = readFacts(format, root, [file], names);
  if (!found) return;
  for (const [kind, verb] of kinds) {
    if (isSame(stated[kind], found[kind])) continue;
    throw new AxonError(
      'INVALID_PACKAGE',
      `manifest.yaml says that the model ${verb} ${listed(stated[kind])}; ${file} ${verb} ${listed(found[kind])}. Nothing was installed.`,
      { details: { file, stated: stated[kind], found: found[kind] } },
    );
  }
}

const kinds = [
  ['inputs', 'takes'],
  ['outputs', 'gives'],
] as const satisfies readonly (readonly [keyof IoSchema, string])[];

/** The one file that is run; of several none says what they take together. */
function onlyModel({ type, files, execution_files: run }: Manifest['spec']['format']) {
  const candidates = run ?? files.filter(({ path }) => formatOf(path) === type);
  return candidates.length === 1 ? (candidates[0]?.path ?? null) : null;
}

function isSame(stated: readonly ManifestTensor[], found: readonly ManifestTensor[]): boolean {
  return (
    stated.length === found.length &&
    found.every((tensor) => stated.some((other) => fits(other, tensor)))
  );
}

function fits(stated: ManifestTensor, found: ManifestTensor): boolean {
  return (
    stated.name === found.name &&
    stated.dtype === found.dtype &&
    stated.shape.length === found.shape.length &&
    found.shape.every((dim, at) => dim === -1 || dim === stated.shape[at])
  );
}

function listed(tensors: readonly ManifestTensor[]): string {
  const shown = tensors.slice(0, 4).map(({ name, dtype, shape }) => `${name}: ${dtype}[${shape}]`);
  const more = tensors.length > shown.length ? ` and ${tensors.length - shown.length} more` : '';
  return (shown.join(', ') || 'nothing') + more;
}
