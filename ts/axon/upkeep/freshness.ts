import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { HubSpec } from '../hubs/hub.ts';
import { parseSpec } from '../hubs/registry.ts';
import { whereFrom } from '../install/brought.ts';
import { bringAgain } from '../store/bring-again.ts';
import { type Installed, readManifest } from '../store/catalog.ts';
import { type Asked, readMetadata } from '../store/metadata.ts';

/** How an installed model stands to its source. */
export interface Freshness {
  readonly id: string;
  readonly status: 'current' | 'outdated' | 'pinned';
  readonly source: string;
  readonly installed: string;
  /** What the source names now; of a pinned one that is not asked. */
  readonly latest: string | null;
}

/** What a model was installed from, and how to install it again. */
export interface Origin {
  readonly asked: Asked;
  readonly spec: HubSpec;
  readonly revision: string;
  readonly isPinned: boolean;
}

/**
 * Errors: NO_SOURCE for files of this machine, for what earlier versions installed, and for addresses that
 * name no revision.
 */
export function originOf({ id, dir }: Installed, context: Context): Origin {
  const unknown = (why: string) => noSource({ id, dir }, why);
  const metadata = readMetadata(dir);
  const asked = metadata?.asked;
  if (asked === undefined) throw unknown('it was not noted what was asked for.');
  const spec = parseSpec(asked.source, context);
  if (spec.origin.hub === 'file') throw unknown('it comes from a file of this machine.');
  const from = whereFrom(dir, readManifest(dir), context);
  const revision = from?.revision ?? null;
  if (revision === null) throw unknown(`${asked.source} names no revision.`);
  return { asked, spec, revision, isPinned: metadata?.pinned === true };
}

function noSource({ id, dir }: Installed, why: string): AxonError {
  return new AxonError(
    'NO_SOURCE',
    `${formatModelId(id)} cannot be compared with its source: ${why} ${bringAgain(dir)}`,
  );
}

/** Asks the source, unless the model is pinned. */
export async function freshnessOf(model: Installed, context: Context): Promise<Freshness> {
  const { asked, spec, revision, isPinned } = originOf(model, context);
  const facts = { id: formatModelId(model.id), source: asked.source, installed: revision };
  if (isPinned) return { ...facts, status: 'pinned', latest: null };
  const latest = (await spec.resolve(context)).pin.revision;
  if (latest === null) throw noSource(model, `${asked.source} names no revision.`);
  return { ...facts, status: latest === revision ? 'current' : 'outdated', latest };
}

/** A model whose source nobody knows, among all of them. */
export interface Unknown {
  readonly id: string;
  readonly status: 'unknown';
  readonly reason: string;
}

/** Of a model that was named it is an error that nobody knows its source; among all of them a remark. */
export async function orUnknown<T>(
  id: string,
  isNamed: boolean,
  work: () => Promise<T>,
): Promise<T | Unknown> {
  try {
    return await work();
  } catch (error) {
    if (isNamed || !(error instanceof AxonError) || error.code !== 'NO_SOURCE') throw error;
    return { id, status: 'unknown', reason: error.message };
  }
}
