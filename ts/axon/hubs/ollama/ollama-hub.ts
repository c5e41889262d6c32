import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { parseHttpUrl } from '../../download/follow.ts';
import type { Hub, HubSpec, Pin, Source } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { fetchManifest } from '../oci/manifest.ts';
import { OciSource } from '../oci/oci-source.ts';
import { RegistrySession } from '../oci/session.ts';
import { ollamaBlobs } from './local-models.ts';

const defaultEndpoint = 'https://registry.ollama.ai';

interface OllamaSpec {
  readonly namespace: string;
  readonly model: string;
  readonly tag: string;
}

/** Ollama's library: an OCI registry whose layers have roles instead of names. */
export const ollamaHub: Hub = {
  names: ['ollama'],
  example: 'ollama/<model>@<tag>',
  parse(text, context): HubSpec {
    const spec = parseOllamaSpec(text);
    const typed = spec.namespace === 'library' ? spec.model : `${spec.namespace}/${spec.model}`;
    return {
      id: {
        namespace: 'ollama',
        name: typed.split('/').map(idSegment).join('/'),
        version: idSegment(spec.tag),
      },
      origin: { hub: 'ollama', id: typed },
      resolve: () => resolve(spec, typed, context),
    };
  },
  noSearch:
    'its registry has no search API. https://ollama.com/search finds a model; then: axon install ollama/<model>.',
};

const segment = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,79}$/;

/** `model`, `namespace/model`, each with `@tag` or, as Ollama's own users type it, `:tag`. */
export function parseOllamaSpec(text: string): OllamaSpec {
  const [, place = '', tag = 'latest'] = /^([^@:]*)(?:[@:](.*))?$/.exec(text) ?? [];
  const parts = place.split('/');
  const [namespace = '', model = ''] = parts.length === 1 ? ['library', place] : parts;
  if (parts.length > 2 || ![namespace, model, tag].every((part) => segment.test(part)))
    throw new AxonError(
      'INVALID_SPEC',
      `ollama/${text} is not understood; write ollama/<model>@<tag> or ollama/<namespace>/<model>@<tag>.`,
    );
  return { namespace, model, tag };
}

async function resolve(
  { namespace, model, tag }: OllamaSpec,
  typed: string,
  context: Context,
): Promise<Source> {
  const endpoint = context.env['AXON_OLLAMA_ENDPOINT'] || defaultEndpoint;
  const place = {
    origin: parseHttpUrl(endpoint).origin,
    repository: `${namespace}/${model}`,
    label: `ollama/${typed}@${tag}`,
    // Private models want a signature with the user's Ollama key, which is not ours to use.
    login: async () => null,
  };
  const session = new RegistrySession(place, 'pull', context);
  const manifest = await fetchManifest(session, tag);
  const pin: Pin = { hub: 'ollama', id: typed, revision: manifest.digest, url: null };
  return new OciSource(pin, session, manifest, {
    owner: 'Ollama',
    files: (sha256) => ollamaBlobs(context.env, sha256),
  });
}
