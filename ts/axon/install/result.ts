import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId, type ModelId } from '../../protocol/model-id.ts';
import { runHint } from '../formats/run-hint.ts';
import { type InstallResult, sum } from './options.ts';

export function resultOf(
  status: InstallResult['status'],
  manifest: Manifest,
  dir: string,
): InstallResult {
  const { metadata, spec, distribution } = manifest;
  const source = distribution?.source;
  const hint = runHint(manifest);
  return {
    status,
    id: formatModelId(metadata),
    path: dir,
    source:
      source === undefined
        ? null
        : { hub: source.hub, id: source.id, revision: source.revision ?? null },
    files: spec.format.files.map(({ path: name, size }) => ({ path: name, size })),
    bytes: sum(spec.format.files),
    ...(hint === null ? {} : { hint }),
  };
}

export function idOf({ metadata }: Manifest): ModelId {
  const { namespace, name, version } = metadata;
  return { namespace, name, version };
}

export function renamed(manifest: Manifest, as: ModelId | null): Manifest {
  return as === null ? manifest : { ...manifest, metadata: { ...manifest.metadata, ...as } };
}
