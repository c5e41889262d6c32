import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { parsePluginManifest, pluginManifestName } from '../../smi/plugin-manifest.ts';
import { describePlugin, type PluginDescriptor } from './descriptor.ts';
import { readTextFile } from './regular-file.ts';

export interface BrokenPlugin {
  readonly folder: string;
  readonly reason: string;
}

export interface Discovery {
  readonly found: readonly PluginDescriptor[];
  readonly broken: readonly BrokenPlugin[];
}

/** Why a plugin.yaml could not be read, in the words of the contract. */
function readFailure(path: string, error: unknown): MlosError {
  if (error instanceof MlosError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') {
    return new MlosError('PERMISSION_DENIED', `${path} cannot be read: permission denied.`);
  }
  const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such file' : String(code);
  return new MlosError('INVALID_MANIFEST', `${path} cannot be read: ${why}.`, { cause: error });
}

/** Reads the plugin.yaml of one folder. Errors: INVALID_MANIFEST, PERMISSION_DENIED. */
export async function readPluginFolder(folder: string): Promise<PluginDescriptor> {
  const path = join(resolve(folder), pluginManifestName);
  let text: string;
  try {
    text = await readTextFile(path, { code: 'INVALID_MANIFEST', maxBytes: limits.manifestBytes });
  } catch (error) {
    throw readFailure(path, error);
  }
  return describePlugin(parsePluginManifest(text, path), resolve(folder));
}

/** The folders in a directory that hold a plugin.yaml; none where the directory is not there. */
async function pluginFolders(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const folder = join(directory, entry.name);
    if (!entry.isDirectory() && !entry.isSymbolicLink()) continue;
    const inside = await readdir(folder).catch((): string[] => []);
    if (inside.includes(pluginManifestName)) found.push(folder);
  }
  return found;
}

/**
 * Every plugin below the given directories, one level deep. Of two with one id the first stays. What
 * is broken is reported with its reason and hinders nothing else.
 */
export async function discoverPlugins(directories: readonly string[]): Promise<Discovery> {
  const found = new Map<string, PluginDescriptor>();
  const broken: BrokenPlugin[] = [];
  for (const directory of directories) {
    for (const folder of await pluginFolders(resolve(directory))) {
      try {
        const descriptor = await readPluginFolder(folder);
        const twin = found.get(descriptor.id);
        if (twin !== undefined) {
          throw new MlosError('ALREADY_EXISTS', `${descriptor.id} is in ${twin.folder} already.`);
        }
        found.set(descriptor.id, descriptor);
      } catch (error) {
        broken.push({ folder, reason: MlosError.from(error).message });
      }
    }
  }
  return { found: [...found.values()], broken };
}
