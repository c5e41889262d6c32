import { didYouMean } from '../../protocol/nearest.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { Hub, SearchHit } from './hub.ts';
import { hubs } from './registry.ts';

/** One hub that is asked, and where: which registry, for those that there are many of. */
interface Asked {
  readonly name: string;
  readonly place: string;
  readonly search: NonNullable<Hub['search']>;
}

export interface HubAnswer {
  readonly hub: string;
  readonly hits: readonly SearchHit[];
  readonly error: AxonError | null;
}

const nameOf = (hub: Hub) => hub.names[0] ?? '';

/** The hubs that `--hub` names; without any all that can be searched as they are. */
export function searchedHubs(named: readonly string[]): readonly Asked[] {
  if (named.length > 0) return [...new Set(named)].map(find);
  return hubs.flatMap((hub) => {
    const { search, searchedAt } = hub;
    if (search === undefined || searchedAt !== undefined) return [];
    return [{ name: nameOf(hub), place: '', search }];
  });
}

/** What is not asked when all hubs are, and what works there instead. */
export function unsearchedHubs(): readonly { readonly hub: string; readonly reason: string }[] {
  return hubs.flatMap((hub) => {
    const isAsked = hub.search !== undefined && hub.searchedAt === undefined;
    // A path or an address is no place to look for models in.
    if (isAsked || hub.claims !== undefined) return [];
    const reason = hub.noSearch ?? `it is searched where it is named: --hub ${spelled(hub)}.`;
    return [{ hub: nameOf(hub), reason }];
  });
}

function find(text: string): Asked {
  const slash = text.indexOf('/');
  const name = slash < 0 ? text : text.slice(0, slash);
  const place = slash < 0 ? '' : text.slice(slash + 1);
  const hub = hubs.find(({ names }) => names.includes(name));
  const able = hubs.filter(({ search }) => search !== undefined);
  if (hub === undefined)
    throw new AxonError(
      'USAGE',
      `There is no hub ${JSON.stringify(name)}.${didYouMean(name, able.flatMap(namesOf))} Those that can be searched: ${able.map(spelled).join(', ')}.`,
    );
  const { search, searchedAt } = hub;
  if (search === undefined)
    throw new AxonError('USAGE', `${nameOf(hub)} cannot be searched: ${hub.noSearch ?? ''}`);
  if ((place === '') !== (searchedAt === undefined))
    throw new AxonError('USAGE', `Write --hub ${spelled(hub)}, not ${JSON.stringify(text)}.`);
  return { name: text, place, search };
}

const namesOf = ({ names }: Hub) => names;
const spelled = (hub: Hub) =>
  hub.searchedAt === undefined ? nameOf(hub) : `${nameOf(hub)}/<${hub.searchedAt}>`;

/** One that fails hides nothing that the others found, nor does it keep anybody waiting for long. */
export function askHubs(
  asked: readonly Asked[],
  words: string,
  limit: number,
  context: Context,
): Promise<HubAnswer[]> {
  const impatient = hasty(context);
  return Promise.all(
    asked.map(async ({ name, place, search }): Promise<HubAnswer> => {
      try {
        const hits = await search(words, limit, impatient, place);
        return { hub: name, hits: hits.slice(0, limit), error: null };
      } catch (thrown) {
        context.signal.throwIfAborted();
        return { hub: name, hits: [], error: AxonError.from(thrown) };
      }
    }),
  );
}

/** The same context for questions that are not worth waiting for. */
function hasty(context: Context): Context {
  const { maxRetries, stallMs } = context.download;
  const download = { maxRetries: Math.min(1, maxRetries), stallMs: Math.min(10_000, stallMs) };
  return { ...context, download: { ...context.download, ...download } };
}
