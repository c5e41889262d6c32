import { isCode } from '../formats/code-files.ts';
import { formatOf } from '../formats/file-kinds.ts';
import type { HubFile } from '../hubs/hub.ts';
import type { Candidate, Found } from './candidate.ts';
import { matchesAny } from './glob.ts';
import type { SelectOptions } from './select.ts';

/** A file that stays where it is, and the reason in words that name the flag that would take it. */
export interface LeftOut {
  readonly path: string;
  readonly size: number | null;
  readonly why: string;
}

export function explainLeftOut(
  all: readonly HubFile[],
  taken: ReadonlySet<string>,
  chosen: Candidate,
  found: Found,
  options: SelectOptions,
): LeftOut[] {
  const owners = new Map<string, Candidate>();
  for (const candidate of found.candidates)
    for (const path of [...candidate.run, ...candidate.needs])
      if (!owners.has(path)) owners.set(path, candidate);
  return all
    .filter(({ path }) => !taken.has(path))
    .map(({ path, size }) => ({
      path,
      size,
      why:
        byFlag(path, options) ??
        byCandidate(owners.get(path), chosen) ??
        found.aside.get(path) ??
        (formatOf(path) === null ? 'not needed to run the model' : 'not part of what is run'),
    }));
}

function byFlag(path: string, options: SelectOptions): string | null {
  if (matchesAny(path, options.exclude)) return 'matches --exclude';
  if (options.include.length > 0 && !matchesAny(path, options.include))
    return 'does not match --include';
  return isCode(path) && !options.allowCode ? 'code; only with --allow-code' : null;
}

function byCandidate(owner: Candidate | undefined, chosen: Candidate): string | null {
  if (owner === undefined) return null;
  if (owner.missing !== null) return `incomplete: ${owner.missing}`;
  if (owner.format !== chosen.format) return `another format; --format ${owner.format}`;
  if (owner.variant !== chosen.variant)
    return `another variant; --variant ${owner.variant || 'fp32'}`;
  if (owner.dir !== chosen.dir) return 'in another folder; --include';
  return 'another model; --include';
}
