import type { Context } from '../../context.ts';
import type { Hub, HubSpec } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { connect } from './hf-api.ts';
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
      resolve: () => HfSource.resolve(spec, connect(context)),
    };
  },
};
