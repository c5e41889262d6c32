import type { Context } from '../../context.ts';
import type { Hub, HubSpec, SearchHit } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { describeRepo } from './describe-repo.ts';
import { askApi, connect } from './hf-api.ts';
import { HfSource } from './hf-source.ts';
import { parseHfSpec } from './hf-spec.ts';

/** Hugging Face and its mirrors (HF_ENDPOINT). */
export const hfHub: Hub = {
  names: ['hf', 'huggingface'],
  example: 'hf/<org>/<model>@<revision>',
  parse(text: string, context: Context): HubSpec {
    const spec = parseHfSpec(text);
    const version = spec.asked === null ? 'latest' : idSegment(spec.asked);
    return {
      id: { namespace: 'hf', name: spec.repo, version },
      origin: { hub: 'hf', id: spec.repo },
      resolve: () => HfSource.resolve(spec, connect(context), context),
    };
  },
  async search(words, limit, context) {
    const connection = connect(context);
    const query = `search=${encodeURIComponent(words)}&limit=${limit}&sort=downloads&direction=-1`;
    const url = `${connection.endpoint}/api/models?${query}`;
    return hits((await askApi(connection, url, null)).value).slice(0, limit);
  },
};

function hits(value: unknown): SearchHit[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly (Record<string, unknown> | null)[]).flatMap((model) => {
    const { id, downloads, pipeline_tag: task } = model ?? {};
    if (typeof id !== 'string' || !/^[\w.-]+(\/[\w.-]+)?$/.test(id)) return [];
    const { license } = describeRepo(model);
    return [
      {
        spec: `hf/${id}`,
        ...(typeof task === 'string' ? { description: task.slice(0, 100) } : {}),
        ...(license === undefined ? {} : { license }),
        ...(Number.isSafeInteger(downloads) ? { downloads: Number(downloads) } : {}),
      },
    ];
  });
}
