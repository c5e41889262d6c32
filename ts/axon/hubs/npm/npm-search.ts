import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchJson } from '../../download/fetch-json.ts';
import type { SearchHit } from '../hub.ts';
import { searchStatusError } from '../status-error.ts';
import { NpmConfig } from './npm-config.ts';

/** The registry's own search, best first. It knows packages, not models: the words have to say which. */
export async function searchNpm(
  words: string,
  limit: number,
  context: Context,
): Promise<readonly SearchHit[]> {
  const config = new NpmConfig(context);
  const registry = await config.registryFor('');
  const query = new URLSearchParams({ text: words, size: String(limit) });
  const { value } = await fetchJson(
    {
      url: `${registry}-/v1/search?${query}`,
      credential: config.credentialFor(registry),
      statusError: searchStatusError,
    },
    context.download,
  );
  const { objects } = (value ?? {}) as { objects?: unknown };
  if (!Array.isArray(objects))
    throw new AxonError('BAD_RESPONSE', `${registry} did not answer a list of packages.`);
  return objects.slice(0, limit).flatMap((hit: unknown) => readHit(hit));
}

const dict = (value: unknown) => (value ?? {}) as Record<string, unknown>;

function readHit(value: unknown): SearchHit[] {
  const { package: found, downloads } = dict(value);
  const { name, version, description, license } = dict(found);
  if (typeof name !== 'string' || typeof version !== 'string') return [];
  const monthly = dict(downloads)['monthly'];
  return [
    {
      spec: `npm/${name}@${version}`,
      ...(typeof description === 'string' ? { description: description.slice(0, 2_000) } : {}),
      ...(typeof license === 'string' ? { license: license.slice(0, 200) } : {}),
      ...(typeof monthly === 'number' ? { downloads: monthly } : {}),
    },
  ];
}
