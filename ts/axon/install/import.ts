import fs from 'node:fs';
import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { HubSpec } from '../hubs/hub.ts';
import { bundledModels, folderSource, invalid } from '../package/bundle.ts';
import { openBundle } from '../package/bundle-files.ts';
import { openFolder } from '../package/manifest-file.ts';
import { install, installSpec } from './install.ts';
import type { InstallOptions, InstallResult } from './options.ts';

/** How to install each model that a path holds: a bundle, a package, or the folder of one. */
export async function importable(
  text: string,
  context: Context,
): Promise<ReadonlyMap<string, (options: InstallOptions) => Promise<InstallResult>>> {
  const file = path.resolve(context.cwd, text);
  if (!fs.existsSync(file)) throw new AxonError('NOT_FOUND', `There is no file or folder ${file}.`);
  const label = path.basename(file);
  if (file.endsWith('.axon'))
    return new Map([[label, (options) => install(file, options, context)]]);
  const files = await openBundle(file, context.signal);
  if (files !== null) {
    const models = await bundledModels(files, label);
    return new Map(
      models.map(({ id, source }) => {
        const spec = specOf(id, async () => source);
        return [formatModelId(id), (options) => installSpec(spec, options, context)];
      }),
    );
  }
  const folder = fs.statSync(file).isDirectory() ? openFolder(file) : null;
  if (folder === null) throw invalid(label, 'it is no OCI layout and has no manifest.yaml');
  const { namespace, name, version } = folder.manifest.metadata;
  const id = { namespace, name, version };
  const spec = specOf(id, async () => folderSource(file, folder.text, folder.signature));
  return new Map([[formatModelId(id), (options) => installSpec(spec, options, context)]]);
}

function specOf(id: HubSpec['id'], resolve: HubSpec['resolve']): HubSpec {
  return { id, origin: { hub: 'file', id: formatModelId(id) }, resolve };
}
