import { didYouMean, nearest } from '../../protocol/nearest.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { Hub } from './hub.ts';

/*
 * A wrong name is answered with the right one, where the hub can tell it. A hint is worth a few questions
 * at once and no waiting; where they fail there is none, and the error is the one that there was.
 */
const mostHits = 50;

/** The error says that the hub has no model of this name: those with near names are looked for then. */
export function unknownModel<E>(error: E, name: string): E | AxonError {
  if (!(error instanceof AxonError) || error.code !== 'NOT_FOUND') return error;
  const details = { ...error.details, unknown_model: name };
  return new AxonError('NOT_FOUND', error.message, { details, cause: error });
}

/** The same error, with the nearest name in it. */
export async function withNearModel(
  error: unknown,
  search: NonNullable<Hub['search']>,
  context: Context,
): Promise<unknown> {
  if (!(error instanceof AxonError)) return error;
  const name = error.details?.['unknown_model'];
  if (typeof name !== 'string') return error;
  const questions = queriesFor(name).map(
    (query) => () => search(query, mostHits, impatient(context), ''),
  );
  const hits = (await Promise.all(questions.map((ask) => ifAnswered(ask, context)))).flat();
  const best = nearestOf(
    name,
    hits.map(({ spec }) => spec),
  );
  const words = lastOf(name)
    .replace(/[^A-Za-z0-9]+/g, ' ')
    .trim();
  const hint =
    best === null
      ? ` \`axon search ${words}\` may find it elsewhere.`
      : ` Did you mean ${JSON.stringify(best)}?`;
  return new AxonError(error.code, error.message + hint, {
    details: { ...error.details, ...(best === null ? {} : { nearest: best }) },
    cause: error,
  });
}

/** The answer to a question whose failure is nobody's concern. */
export async function ifAnswered<T>(
  ask: () => Promise<readonly T[]>,
  { signal }: Pick<Context, 'signal'>,
): Promise<readonly T[]> {
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AxonError) return [];
    throw error;
  }
}

/** ` Did you mean "v2"? It has: v1, v2.`; nothing where nothing is known. */
export function instead(typed: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length > 20 ? ` and ${names.length - 20} more` : '';
  return `${didYouMean(typed, names)} It has: ${names.slice(0, 20).join(', ')}${more}.`;
}

const lastOf = (name: string) => name.slice(name.lastIndexOf('/') + 1);

/** The name, its longest words, its beginning, its owner: one of them is right when the whole is nearly so. */
function queriesFor(full: string): string[] {
  const name = lastOf(full);
  const owner = full.slice(0, -name.length).replace(/\/$/, '');
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word.length >= 3);
  const longest = words.toSorted((a, b) => b.length - a.length).slice(0, 2);
  const beginning = name.slice(0, Math.max(3, Math.ceil(name.length / 2)));
  return [...new Set([name, ...longest, beginning, owner])].filter((query) => query.length >= 2);
}

/** By the last part of the name; of two that are called so the one of the same owner. */
function nearestOf(name: string, specs: readonly string[]): string | null {
  const owner = name.includes('/') ? name.slice(0, name.lastIndexOf('/') + 1) : '';
  const plain = specs.map((spec) => spec.replace(/(?<=\/[^/]*)@[^/@]*$/, ''));
  const ofOwner = plain.filter((spec) => spec.includes(`/${owner}`));
  const byName = new Map<string, string>();
  for (const spec of [...ofOwner, ...plain]) {
    const key = lastOf(spec).toLowerCase();
    if (!byName.has(key)) byName.set(key, spec);
  }
  const best = nearest(lastOf(name).toLowerCase(), byName.keys());
  return best === null ? null : (byName.get(best) ?? null);
}

function impatient(context: Context): Context {
  const { stallMs } = context.download;
  const download = { maxRetries: 0, stallMs: Math.min(5_000, stallMs) };
  return { ...context, download: { ...context.download, ...download } };
}
