import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { parseSpec } from '../hubs/registry.ts';
import { installSpec } from '../install/install.ts';
import { optionsOf } from '../install/options.ts';
import type { Installed } from '../store/catalog.ts';
import { bringAnew, readMetadata } from '../store/metadata.ts';

/**
 * Brings a model again whose manifest is missing or damaged, so that nothing here says which files it has: with
 * what was asked for then. It takes its place only where it is the very same, down to the manifest.
 */
export async function reinstallModel(
  { id, dir }: Installed,
  context: Context,
): Promise<{ readonly reinstalled: string }> {
  const metadata = readMetadata(dir);
  if (metadata?.asked === undefined)
    throw new AxonError(
      'NO_SOURCE',
      `The manifest of ${formatModelId(id)} is damaged, and it was not noted what was asked for when it was installed. ${bringAnew}`,
    );
  const { asked, manifest_sha256 } = metadata;
  const options = { ...optionsOf(asked.choice), as: id, replace: true };
  const spec = parseSpec(asked.source, context);
  await installSpec(spec, options, context, asked, manifest_sha256);
  return { reinstalled: asked.source };
}
