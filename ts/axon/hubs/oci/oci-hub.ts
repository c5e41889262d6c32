import type { Context } from '../../context.ts';
import type { Hub, HubSpec, Pin, Source } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { axonArtifact, isAxonArtifact } from './axon-artifact.ts';
import { registryPlace, searchRegistry } from './catalog.ts';
import { fetchManifest } from './manifest.ts';
import { OciSource } from './oci-source.ts';
import { type OciReference, parseOciReference } from './reference.ts';
import { RegistrySession } from './session.ts';

/** Models in any OCI registry: what axon pushed, ModelPack, KitOps, Docker's and ORAS' artifacts. */
export const ociHub: Hub = {
  names: ['oci'],
  example: 'oci/<registry>/<repository>@<tag>',
  parse(text, context): HubSpec {
    const spec = parseOciReference(text);
    const place = `${spec.registry}/${spec.repository}`;
    return {
      id: {
        namespace: 'oci',
        name: place.split('/').map(idSegment).join('/'),
        version: idSegment(spec.reference),
      },
      origin: { hub: 'oci', id: place },
      resolve: () => resolve(spec, context),
    };
  },
  search: searchRegistry,
  searchedAt: 'registry',
};

async function resolve(spec: OciReference, context: Context): Promise<Source> {
  const session = openRepository(spec, 'pull', context);
  const manifest = await fetchManifest(session, spec.reference);
  const id = `${spec.registry}/${spec.repository}`;
  const pin: Pin = { hub: 'oci', id, revision: manifest.digest, url: null };
  return isAxonArtifact(manifest)
    ? axonArtifact(pin, session, manifest)
    : new OciSource(pin, session, manifest);
}

export function openRepository(
  { registry, repository, reference }: OciReference,
  actions: 'pull' | 'pull,push',
  context: Context,
): RegistrySession {
  const label = `${registry}/${repository}@${reference}`;
  const place = registryPlace(registry, repository, label, context);
  return new RegistrySession(place, actions, context);
}
