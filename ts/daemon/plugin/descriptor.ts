import { type PluginManifest, resolveCommand } from '../../smi/plugin-manifest.ts';

/** A plugin as the daemon knows it before it runs. */
export interface PluginDescriptor {
  /** `name@version`. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly frameworks: readonly string[];
  readonly formats: readonly string[];
  readonly dtypes: readonly string[];
  /** Program and arguments, ready to be started. */
  readonly command: readonly string[];
  /** Folder of its plugin.yaml; the process works in it. */
  readonly folder: string;
  readonly concurrency?: number;
}

export function describePlugin(manifest: PluginManifest, folder: string): PluginDescriptor {
  const { concurrency, command, ...facts } = manifest;
  return {
    id: `${manifest.name}@${manifest.version}`,
    ...facts,
    command: resolveCommand(command, folder),
    folder,
    ...(concurrency === null ? {} : { concurrency }),
  };
}
