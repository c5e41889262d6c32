import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId, type ModelId } from '../../protocol/model-id.ts';
import { runHint } from '../formats/run-hint.ts';
import type { Brought } from '../store/metadata.ts';
import { claimedBy } from './brought.ts';
import { type InstallResult, sum } from './options.ts';

export function resultOf(
  status: InstallResult['status'],
  manifest: Manifest,
  dir: string,
  from: Brought | null,
): InstallResult {
  const { metadata, spec } = manifest;
  const claimed = placed(claimedBy(manifest));
  const isPackage = from?.kind === 'package';
  const hint = runHint(manifest);
  return {
    status,
    id: formatModelId(metadata),
    path: dir,
    source: isPackage ? placed(from) : claimed,
    ...(isPackage && claimed !== null ? { claimed } : {}),
    files: spec.format.files.map(({ path: name, size }) => ({ path: name, size })),
    bytes: sum(spec.format.files),
    ...(hint === null ? {} : { hint }),
  };
}

function placed(from: Brought | null): InstallResult['source'] {
  return from === null ? null : { hub: from.hub, id: from.id, revision: from.revision };
}

export function idOf({ metadata }: Manifest): ModelId {
  const { namespace, name, version } = metadata;
  return { namespace, name, version };
}

export function renamed(manifest: Manifest, as: ModelId | null): Manifest {
  return as === null ? manifest : { ...manifest, metadata: { ...manifest.metadata, ...as } };
}
