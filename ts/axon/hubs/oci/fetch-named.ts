import { didYouMean } from '../../../protocol/nearest.ts';
import { AxonError } from '../../axon-error.ts';
import { ifAnswered, instead } from '../near-names.ts';
import { listTags } from './catalog.ts';
import { fetchManifest, type OciManifest } from './manifest.ts';
import type { RegistrySession } from './session.ts';

/**
 * The manifest of a tag or digest. Where it is not there, the error names the nearest tag, or the nearest
 * of the repositories where the registry lists them.
 */
export async function fetchNamed(
  session: RegistrySession,
  reference: string,
  repositories: () => Promise<readonly string[]>,
): Promise<OciManifest> {
  try {
    return await fetchManifest(session, reference);
  } catch (error) {
    if (!(error instanceof AxonError) || error.code !== 'NOT_FOUND') throw error;
    const { context, place } = session;
    const tags = await ifAnswered(() => listTags(session), context);
    const names = tags.length > 0 ? [] : await ifAnswered(repositories, context);
    const hint = tags.length > 0 ? instead(reference, tags) : didYouMean(place.repository, names);
    throw new AxonError('NOT_FOUND', error.message + hint, { cause: error });
  }
}
