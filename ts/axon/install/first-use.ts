import { createHash } from 'node:crypto';
import type { Manifest } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { readSeen, writeSeen } from '../store/first-seen.ts';
import { manifestName } from '../store/layout.ts';
import type { Brought } from '../store/metadata.ts';
import { placeOf } from './brought.ts';
import type { InstallOptions } from './options.ts';

/*
 * What nobody states a hash of is trusted the first time that it is installed, and only then: other bytes under
 * the same name, whatever the model is called, are told, and refused unless what there is now was asked for.
 */
export interface Unstated {
  readonly name: string;
  readonly sha256: string;
}

/** `came`: the manifest of a package, as it came; that one has the hashes of its files. */
export function unstatedOf(
  from: Brought,
  manifest: Manifest,
  came: string | undefined,
): Unstated[] {
  if (from.hub === 'file') return [];
  const isMutable = from.revision === null;
  if (came !== undefined)
    return isMutable
      ? [{ name: manifestName, sha256: createHash('sha256').update(came).digest('hex') }]
      : [];
  return manifest.spec.format.files
    .filter(({ verified_by }) => isMutable || verified_by === 'tofu')
    .map(({ path: name, sha256 }) => ({ name, sha256 }));
}

/** Throws CHECKSUM_MISMATCH. */
export function requireFirstUse(
  from: Brought,
  contents: readonly Unstated[],
  { force, replace }: InstallOptions,
  { layout, output }: Context,
): void {
  for (const { name, sha256 } of contents) {
    const seen = readSeen(layout, { ...from, name });
    if (seen === null || seen.sha256 === sha256) continue;
    const change = `${JSON.stringify(name)} of ${placeOf(from)} is not what it was when it was installed here on ${seen.at.slice(0, 10)}: its sha256 was ${seen.sha256} and is ${sha256}.`;
    if (!force && !replace)
      throw new AxonError(
        'CHECKSUM_MISMATCH',
        `${change} Nothing was installed. Where the change is meant, --force takes it.`,
      );
    output.warn(`${change} It was taken, as what there is now was asked for.`);
  }
}

export function rememberUse(
  from: Brought,
  contents: readonly Unstated[],
  { layout }: Context,
): void {
  for (const { name, sha256 } of contents) {
    const place = { hub: from.hub, id: from.id, revision: from.revision, name };
    if (readSeen(layout, place)?.sha256 !== sha256) writeSeen(layout, place, sha256);
  }
}
