import { MlosError } from '../../protocol/errors.ts';
import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId, type ModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { Source } from '../hubs/hub.ts';
import { hubs, parseSpec } from '../hubs/registry.ts';
import { publicAddress } from '../package/public-address.ts';
import { type Asked, type Brought, readMetadata } from '../store/metadata.ts';

/*
 * Where a model came from is what axon noted when it brought it. A manifest says it too, but that of a package
 * was written by whoever made the package, and may say anything.
 */
export function broughtFrom({ kind, pin: { hub, id, revision } }: Source): Brought {
  return { kind, hub, id, revision };
}

/** Null where it is not known: earlier versions noted less. */
export function whereFrom(dir: string, manifest: Manifest, context: Context): Brought | null {
  const metadata = readMetadata(dir);
  return metadata?.from ?? fromAsked(metadata?.asked, manifest, context);
}

/** What was asked for names the source. A manifest that names another one is that of a package. */
function fromAsked(asked: Asked | undefined, manifest: Manifest, context: Context): Brought | null {
  if (asked === undefined) return null;
  const claimed = claimedBy(manifest);
  try {
    const { hub, id } = parseSpec(asked.source, context).origin;
    return claimed?.hub === hub && publicAddress(claimed.id) === publicAddress(id)
      ? { ...claimed, id }
      : { kind: 'package', hub, id, revision: null };
  } catch (error) {
    if (error instanceof MlosError) return null; // It named a hub that there is no more.
    throw error;
  }
}

/** What a manifest says itself: true of those that axon wrote. */
export function claimedBy({ distribution }: Manifest): Brought | null {
  const source = distribution?.source;
  if (source === undefined) return null;
  return { kind: 'files', hub: source.hub, id: source.id, revision: source.revision ?? null };
}

export function placeOf({ kind, hub, id }: Brought): string {
  if (kind === 'files') return `${hub} ${id}`;
  return `the package ${hub === 'file' || hub === 'https' ? id : `${hub}/${id}`}`;
}

export function taken(id: ModelId, dir: string, manifest: Manifest, context: Context): AxonError {
  const from = whereFrom(dir, manifest, context) ?? claimedBy(manifest);
  return new AxonError(
    'ALREADY_EXISTS',
    `${formatModelId(id)} is already installed, from ${from === null ? 'elsewhere' : placeOf(from)}, with other content. Choose another name with --as, or replace it with --force.`,
  );
}

/** A package is called as its maker pleases, also as if it were of a hub that it never saw. */
export function warnOfName(id: ModelId, from: Brought, { output }: Context): void {
  const hub = hubs.find(({ names }) => names.includes(id.namespace))?.names[0];
  if (from.kind === 'files' || hub === undefined || hub === 'file' || hub === from.hub) return;
  output.warn(
    `${formatModelId(id)} is an id of the hub ${hub}, but it was brought by ${placeOf(from)}. Whether it is what ${hub} has was not compared.`,
  );
}
