import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { header } from '../../download/http.ts';
import { inParallel } from '../../download/in-parallel.ts';
import type { SearchHit } from '../hub.ts';
import { registryLogin } from './docker-config.ts';
import { originOf, parseOciReference } from './reference.ts';
import { RegistrySession } from './session.ts';

const pageSize = 1000;
const mostPages = 50;
const maxListBytes = 16 * 1024 * 1024;

/** Repositories of a registry whose names hold all the words, with the tag that would be taken. */
export async function searchRegistry(
  words: string,
  limit: number,
  context: Context,
  registry: string,
): Promise<readonly SearchHit[]> {
  // What is no registry is said as it is for an install.
  const { registry: host } = parseOciReference(`${registry}/any`);
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (await listRepositories(host, context))
    .filter((name) => wanted.every((word) => name.includes(word)))
    .slice(0, limit);
  const { signal } = context;
  return inParallel(found, { count: 4, signal }, async (repository): Promise<SearchHit> => {
    const place = registryPlace(host, repository, `${host}/${repository}`, context);
    const tags = await listTags(new RegistrySession(place, 'pull', context));
    const tag = tags.includes('latest') ? 'latest' : tags.at(-1);
    return {
      spec: `oci/${host}/${repository}${tag === undefined ? '' : `@${tag}`}`,
      ...(tags.length === 0 ? {} : { description: `tags: ${tags.slice(0, 20).join(', ')}` }),
    };
  });
}

export function registryPlace(
  registry: string,
  repository: string,
  label: string,
  context: Context,
) {
  return {
    origin: originOf(registry, context.env),
    repository,
    label,
    login: () => registryLogin(registry, context),
  };
}

/** All names, as far as the registry shows them; large public ones show none. */
export async function listRepositories(registry: string, context: Context): Promise<string[]> {
  const place = registryPlace(registry, '', `list of the repositories of ${registry}`, context);
  try {
    return await readPages(new RegistrySession(place, 'catalog', context), '_catalog', (page) =>
      namesIn(page['repositories']),
    );
  } catch (error) {
    const isRefused =
      error instanceof AxonError &&
      ['NOT_FOUND', 'ACCESS_DENIED', 'BAD_RESPONSE'].includes(error.code);
    if (!isRefused) throw error;
    throw new AxonError(
      error.code,
      `${error.message} Not every registry lists what it has: name the repository, axon install oci/${registry}/<repository>@<tag>.`,
      { cause: error },
    );
  }
}

/** The tags of the session's repository, in the order of the registry. */
export function listTags(session: RegistrySession): Promise<string[]> {
  return readPages(session, 'tags/list', (page) => namesIn(page['tags']));
}

/** A page says by a `Link` that there is more; what comes after its last name is asked for by that name. */
async function readPages(
  session: RegistrySession,
  route: string,
  namesOf: (page: Readonly<Record<string, unknown>>) => string[],
): Promise<string[]> {
  const all: string[] = [];
  for (let page = 0; page < mostPages; page++) {
    const last = all.at(-1);
    const more = last === undefined ? '' : `&last=${encodeURIComponent(last)}`;
    const path = `${route}?n=${pageSize}${more}`;
    const { body, response } = await session.get(path, 'application/json', maxListBytes);
    const names = namesOf(readObject(body, session.place.label));
    all.push(...names);
    const isMore = /rel="?next/.test(header(response, 'link') ?? '');
    if (!isMore || names.length === 0 || all.at(-1) === last) break;
  }
  return all;
}

function readObject(body: Buffer, label: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(body.toString('utf8')) as unknown;
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below, for whatever else it is.
  }
  throw new AxonError('BAD_RESPONSE', `The registry did not answer the ${label} as JSON.`);
}

/** A repository without tags answers null. */
function namesIn(value: unknown): string[] {
  return (Array.isArray(value) ? (value as readonly unknown[]) : []).filter(
    (name): name is string =>
      typeof name === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,254}$/.test(name),
  );
}
