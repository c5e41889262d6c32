import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { readPluginFolder } from '../daemon/plugin/discover.ts';
import { PluginHost } from '../daemon/plugin/host.ts';
import type { LoadResult } from '../daemon/plugin/host-jobs.ts';
import type { HostOptions } from '../daemon/plugin/host-options.ts';

export interface OnnxHost extends AsyncDisposable {
  readonly host: PluginHost;
  /** Writes a model to a file, loads it under an id and returns what the plugin says of it. */
  load(
    modelId: string,
    model: Uint8Array,
    options?: Readonly<Record<string, unknown>>,
  ): Promise<LoadResult & { readonly file: string }>;
}

const pluginFolder = join(import.meta.dirname, '../../ts/plugins/onnx');

/** The real ONNX plugin in a process of its own. */
export async function openOnnxHost(options: Partial<HostOptions> = {}): Promise<OnnxHost> {
  const folder = await mkdtemp(join(tmpdir(), 'mlos-onnx-'));
  const descriptor = await readPluginFolder(pluginFolder);
  const logger = pino({ level: 'silent' });
  const host = new PluginHost({ descriptor, hostId: 'test', logger, ...options });
  let files = 0;
  return {
    host,
    async load(modelId, model, modelOptions = {}) {
      files += 1;
      const file = join(folder, `${files}.onnx`);
      await writeFile(file, model);
      return { ...(await host.load({ modelId, path: folder, file, options: modelOptions })), file };
    },
    async [Symbol.asyncDispose]() {
      await host.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
