import { parseManifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { findInstalled, readManifestText, requireInstalled } from '../store/catalog.ts';
import { parseTypedId } from '../store/typed-id.ts';
import { install } from './install.ts';
import { readInstallFlags } from './options.ts';

/** A chain of models that need each other ends somewhere; one that does not is a mistake, or worse. */
const mostModels = 256;

export interface Dependency {
  readonly id: string;
  readonly status: 'installed' | 'already-installed';
}

/**
 * Installs what a model's manifest says it needs, and what that needs, each once. They come with the usual
 * choice of files: no flag of the first model is theirs, so pickles and programs need a word of their own.
 * All of them are tried; where some fail the error names each, and the next install goes on.
 */
export async function installDependencies(id: string, context: Context): Promise<Dependency[]> {
  const done: Dependency[] = [];
  const failed: { readonly id: string; readonly error: AxonError }[] = [];
  const seen = new Set<string>([id]);
  const waiting = neededBy(id, context);
  for (let needed = waiting.shift(); needed !== undefined; needed = waiting.shift()) {
    if (seen.has(needed)) continue;
    seen.add(needed);
    if (seen.size > mostModels)
      throw new AxonError('UNSAFE_PACKAGE', `${id} needs more than ${mostModels} models.`);
    try {
      const dependency = await bring(needed, context);
      done.push(dependency);
      seen.add(dependency.id);
      waiting.push(...neededBy(dependency.id, context));
    } catch (thrown) {
      context.signal.throwIfAborted();
      failed.push({ id: needed, error: AxonError.from(thrown) });
    }
  }
  if (failed.length === 0) return done;
  const reasons = failed.map(({ id: name, error }) => `${name}: ${error.message} [${error.code}]`);
  throw new AxonError(
    'PARTIAL',
    `${id} is installed, but not all that it needs: ${reasons.join(' ')} Install these, or run the same again.`,
    {
      details: {
        id,
        installed: done,
        failed: failed.map(({ id: name, error }) => ({ id: name, code: error.code })),
      },
    },
  );
}

/** Ids of the models that an installed one names. */
export function neededBy(id: string, { layout }: Context): string[] {
  const { dir } = requireInstalled(layout, id);
  return [...(parseManifest(readManifestText(dir)).spec.dependencies?.models ?? [])];
}

async function bring(needed: string, context: Context): Promise<Dependency> {
  // An id of a hub, never a path or an address: somebody else's package does not choose files of this machine.
  parseTypedId(needed);
  const found = findInstalled(context.layout, needed);
  if (found !== null) return { id: formatModelId(found.id), status: 'already-installed' };
  context.output.note(`It needs ${needed}.`);
  const { id } = await install(needed, readInstallFlags({}), context);
  return { id, status: 'installed' };
}
