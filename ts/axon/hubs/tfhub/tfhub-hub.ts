import type { Context } from '../../context.ts';
import { publicAddress } from '../../package/public-address.ts';
import type { FileSource, Hub, HubSpec } from '../hub.ts';
import { nameAndVersion } from '../typed-name.ts';
import { parseTfhubSpec, type TfhubSpec } from './tfhub-spec.ts';

/** TensorFlow Hub: its handles, whose models Kaggle keeps. */
export const tfhubHub: Hub = {
  names: ['tfhub', 'tf'],
  example: 'tfhub/<publisher>/<path>/<version>',
  parse(text: string, context: Context): HubSpec {
    const spec = parseTfhubSpec(text);
    const { version } = nameAndVersion(text);
    return {
      id: { namespace: 'tfhub', name: spec.name, version },
      origin: { hub: 'tfhub', id: spec.name },
      resolve: () => resolve(spec, context),
    };
  },
  noSearch: 'its models are on Kaggle now: --hub kaggle finds them.',
};

async function resolve(spec: TfhubSpec, context: Context): Promise<FileSource> {
  const { followHandle } = await import('./follow-handle.ts');
  const { KaggleApi } = await import('../kaggle/kaggle-api.ts');
  const { findVariation } = await import('../kaggle/kaggle-variation.ts');
  const { KaggleSource } = await import('../kaggle/kaggle-source.ts');
  const api = new KaggleApi(context);
  const variation = await findVariation(await followHandle(spec.handle, context), api);
  // Both numbers are kept: the handle's own, and Kaggle's in the revision.
  const pin = {
    hub: 'tfhub',
    id: spec.name,
    revision: variation.path,
    url: publicAddress(`${api.endpoint}/models/${variation.path}`),
  };
  return new KaggleSource(pin, variation, api, context);
}
