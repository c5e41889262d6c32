import fs from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { readManifest, requireInstalled } from '../store/catalog.ts';
import { manifestName } from '../store/layout.ts';
import { curlCommand } from './curl-command.ts';
import type { Daemon } from './daemon.ts';

export interface Registration {
  readonly id: string;
  readonly endpoint: string;
  readonly inference_endpoint: string;
  readonly curl: string;
}

/** A model whose files are not all there would fail in the daemon, later and less clearly. */
function requireFiles(dir: string, manifest: Manifest, id: string): void {
  for (const file of manifest.spec.format.files) {
    const stat = fs.statSync(path.join(dir, file.path), { throwIfNoEntry: false });
    if (stat?.isFile() === true && stat.size === file.size) continue;
    const what = stat === undefined ? 'is missing' : 'has another size';
    throw new AxonError(
      'VERIFY_FAILED',
      `${id}: ${file.path} ${what}. Install it again with --force.`,
    );
  }
}

export async function registerModel(
  text: string,
  daemon: Daemon,
  context: Context,
): Promise<Registration> {
  const installed = requireInstalled(context.layout, text);
  const id = formatModelId(installed.id);
  const manifest = readManifest(installed.dir);
  requireFiles(installed.dir, manifest, id);
  context.output.note(`Registering ${id} at ${daemon.endpoint}; loading may take a while.`);
  const answer = await daemon.call('models.register', {
    model_id: id,
    name: manifest.metadata.name,
    framework: manifest.spec.framework.name,
    execution_format: manifest.spec.format.execution_format,
    path: installed.dir,
    description: manifest.metadata.description ?? '',
    manifest_path: path.join(installed.dir, manifestName),
  });
  const { endpoint } = daemon;
  const inference = new URL(answer.inference_endpoint, `${endpoint}/`).href;
  return { id, endpoint, inference_endpoint: inference, curl: curlCommand(inference, manifest) };
}

export function registrationLines({ id, inference_endpoint, curl }: Registration): string[] {
  return [`Registered ${id}: ${inference_endpoint}`, 'Try it:', `  ${curl}`];
}
