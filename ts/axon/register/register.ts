import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../../protocol/manifest.ts';
import type { Result } from '../../protocol/method-table.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { formatBytes } from '../render/format.ts';
import { bringAgain } from '../store/bring-again.ts';
import {
  type Installed,
  readManifest,
  readManifestText,
  requireInstalled,
} from '../store/catalog.ts';
import { manifestName } from '../store/layout.ts';
import { curlCommand, daemonCommand } from './curl-command.ts';
import { type Daemon, isRefusal } from './daemon.ts';
import { uploadModel } from './upload.ts';

export interface Registration {
  readonly id: string;
  readonly endpoint: string;
  /** How the daemon came to the files: it reads them where they are installed, or was sent them. */
  readonly how: 'path' | 'upload';
  readonly uploaded_bytes: number;
  readonly inference_endpoint: string;
  readonly curl: string;
}

export interface RegisterOptions {
  /** Send the files although the daemon could read them here. */
  readonly upload: boolean;
  readonly load: boolean;
}

const usual: RegisterOptions = { upload: false, load: true };

/** A model whose files are not all there would fail in the daemon, later and less clearly. */
function requireFiles(dir: string, manifest: Manifest, id: string): void {
  for (const file of manifest.spec.format.files) {
    const stat = fs.statSync(path.join(dir, file.path), { throwIfNoEntry: false });
    if (stat?.isFile() === true && stat.size === file.size) continue;
    const what = stat === undefined ? 'is missing' : 'has another size';
    throw new AxonError('VERIFY_FAILED', `${id}: ${file.path} ${what}. ${bringAgain(dir)}`);
  }
}

export async function registerModel(
  text: string,
  daemon: Daemon,
  context: Context,
  options: RegisterOptions = usual,
): Promise<Registration> {
  const installed = requireInstalled(context.layout, text);
  const id = formatModelId(installed.id);
  const manifest = readManifest(installed.dir);
  requireFiles(installed.dir, manifest, id);
  const done = (
    how: Registration['how'],
    uploaded: number,
    { inference_endpoint: route, model }: Result<'models.register'>,
  ): Registration => {
    const { endpoint } = daemon;
    const inference = new URL(route, `${endpoint}/`).href;
    const curl = daemonCommand(endpoint, model) ?? curlCommand(inference, manifest);
    return { id, endpoint, how, uploaded_bytes: uploaded, inference_endpoint: inference, curl };
  };
  if (!options.upload) {
    context.output.note(`Registering ${id} at ${daemon.endpoint}; loading may take a while.`);
    const answer = await registerPath(installed, manifest, options, daemon);
    if (answer !== null) return done('path', 0, answer);
  }
  context.output.note(
    `${options.upload ? '' : 'The daemon cannot read it here. '}Uploading ${id} to ${daemon.endpoint}.`,
  );
  const { answer, sentBytes } = await uploadModel(installed, manifest, options, daemon, context);
  return done('upload', sentBytes, answer);
}

/**
 * Tells where the model lies. The manifest's sha256 goes with it, so another package at the same path of
 * another host is not taken for this one; null where the daemon has to be sent the files.
 */
async function registerPath(
  { id, dir }: Installed,
  manifest: Manifest,
  { load }: RegisterOptions,
  daemon: Daemon,
): Promise<Result<'models.register'> | null> {
  try {
    return await daemon.call('models.register', {
      model_id: formatModelId(id),
      name: manifest.metadata.name,
      framework: manifest.spec.framework.name,
      execution_format: manifest.spec.format.execution_format,
      path: dir,
      description: manifest.metadata.description ?? '',
      manifest_path: path.join(dir, manifestName),
      manifest_sha256: createHash('sha256').update(readManifestText(dir)).digest('hex'),
      ...(load ? {} : { load }),
    });
  } catch (error) {
    if (isRefusal(error, 'PERMISSION_DENIED')) return null;
    const details = error instanceof AxonError ? error.details?.['daemon_details'] : null;
    if ((details as { upload?: boolean } | null)?.upload === true) return null;
    throw error;
  }
}

export function registrationLines(done: Registration): string[] {
  const { id, how, uploaded_bytes, inference_endpoint, curl } = done;
  const sent = how === 'upload' ? ` (${formatBytes(uploaded_bytes)} uploaded)` : '';
  return [`Registered ${id}${sent}: ${inference_endpoint}`, 'Try it:', `  ${curl}`];
}
