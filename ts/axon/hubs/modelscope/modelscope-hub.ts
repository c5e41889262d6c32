import type { Context } from '../../context.ts';
import type { Hub, HubSpec, SearchHit } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { spdxName } from '../license-names.ts';
import { parseModelscopeSpec } from './modelscope-spec.ts';

/** ModelScope, at home and international (MODELSCOPE_ENDPOINT). */
export const modelscopeHub: Hub = {
  names: ['modelscope', 'ms'],
  example: 'modelscope/<owner>/<name>@<revision>',
  parse(text: string, context: Context): HubSpec {
    const spec = parseModelscopeSpec(text);
    const version = spec.revision === null ? 'latest' : idSegment(spec.revision);
    return {
      id: { namespace: 'modelscope', name: spec.repo, version },
      origin: { hub: 'modelscope', id: spec.repo },
      async resolve() {
        const { ModelscopeApi } = await import('./modelscope-api.ts');
        const { ModelscopeSource } = await import('./modelscope-source.ts');
        return ModelscopeSource.resolve(spec, new ModelscopeApi(context), context);
      },
    };
  },
  async search(words, limit, context) {
    const { ModelscopeApi } = await import('./modelscope-api.ts');
    const query = `search=${encodeURIComponent(words)}&sort=downloads&page_number=1&page_size=${limit}`;
    const answer = await new ModelscopeApi(context).search(query);
    const { data } = answer as { data?: { models?: unknown } | null };
    return hits(data?.models).slice(0, limit);
  },
};

function hits(value: unknown): SearchHit[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly (Record<string, unknown> | null)[]).flatMap((model) => {
    const { id, display_name: title, description, license, downloads } = model ?? {};
    if (typeof id !== 'string' || !/^[\w.-]+\/[\w.-]+$/.test(id)) return [];
    const about = [title, description].find((text) => typeof text === 'string' && text !== '');
    return [
      {
        spec: `modelscope/${id}`,
        ...(about === undefined ? {} : { description: String(about).slice(0, 300) }),
        ...(typeof license === 'string' && license !== '' ? { license: spdxName(license) } : {}),
        ...(Number.isSafeInteger(downloads) ? { downloads: Number(downloads) } : {}),
      },
    ];
  });
}
