import type { Context } from '../../context.ts';
import { publicAddress } from '../../package/public-address.ts';
import type { FileSource, Hub, HubSpec, SearchHit } from '../hub.ts';
import { nameAndVersion } from '../typed-name.ts';
import { type KaggleSpec, parseKaggleSpec } from './kaggle-spec.ts';

/** Kaggle Models. */
export const kaggleHub: Hub = {
  names: ['kaggle'],
  example: 'kaggle/<owner>/<model>/<framework>/<variation>',
  parse(text: string, context: Context): HubSpec {
    const spec = parseKaggleSpec(text);
    const { name, version } = nameAndVersion(text);
    return {
      id: { namespace: 'kaggle', name, version },
      origin: { hub: 'kaggle', id: name },
      resolve: () => resolve(spec, name, context),
    };
  },
  async search(words, limit, context) {
    const { KaggleApi } = await import('./kaggle-api.ts');
    const query = `search=${encodeURIComponent(words)}&page_size=${limit}`;
    const answer = await new KaggleApi(context).search(query);
    return hits(answer['models']).slice(0, limit);
  },
};

async function resolve(spec: KaggleSpec, id: string, context: Context): Promise<FileSource> {
  const { KaggleApi } = await import('./kaggle-api.ts');
  const { findVariation } = await import('./kaggle-variation.ts');
  const { KaggleSource } = await import('./kaggle-source.ts');
  const api = new KaggleApi(context);
  const variation = await findVariation(spec, api);
  const pin = {
    hub: 'kaggle',
    id,
    revision: variation.path,
    url: publicAddress(`${api.endpoint}/models/${variation.path}`),
  };
  return new KaggleSource(pin, variation, api, context);
}

interface Found {
  readonly ref?: unknown;
  readonly title?: unknown;
  readonly subtitle?: unknown;
}

function hits(value: unknown): SearchHit[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly (Found | null)[]).flatMap((model) => {
    const { ref, title, subtitle } = model ?? {};
    if (typeof ref !== 'string' || !/^[\w.-]+\/[\w.-]+$/.test(ref)) return [];
    const words = [title, subtitle].filter((text) => typeof text === 'string' && text !== '');
    return [
      {
        spec: `kaggle/${ref}`,
        ...(words.length === 0 ? {} : { description: words.join(': ').slice(0, 300) }),
      },
    ];
  });
}
