import path from 'node:path';
import type { ManifestFile } from '../../../protocol/manifest.ts';
import type { Context } from '../../context.ts';
import { fetchAll, type PackageRequest } from '../../download/fetch-all.ts';
import type { StatusError } from '../../download/fetch-json.ts';
import type { ExpectedHash } from '../../download/options.ts';
import { probe } from '../../download/probe.ts';
import { maxPackageBytes } from '../../package/names.ts';
import type { Description, FileSource, HubFile, Pin } from '../hub.ts';
import { takeLocal } from '../local-copy.ts';

export interface WeightsFile {
  readonly file: string;
  readonly url: string;
  readonly expected: ExpectedHash | null;
}

/** Weights at addresses that are known: what torch.hub would load, and check in the same way. */
export class WeightsSource implements FileSource {
  readonly kind = 'files';
  readonly pin: Pin;
  readonly #files: readonly WeightsFile[];
  readonly #description: Description;
  readonly #statusError: StatusError;
  readonly #context: Context;

  constructor(
    pin: Pin,
    files: readonly WeightsFile[],
    description: Description,
    statusError: StatusError,
    context: Context,
  ) {
    this.pin = pin;
    this.#files = files;
    this.#description = description;
    this.#statusError = statusError;
    this.#context = context;
  }

  async plan(): Promise<readonly HubFile[]> {
    const planned: HubFile[] = [];
    for (const { file, url, expected } of this.#files) {
      const { size } = await probe({ url, statusError: this.#statusError }, this.#context.download);
      planned.push({ path: file, size, expected });
    }
    return planned;
  }

  async fetch(files: readonly HubFile[], into: string): Promise<readonly ManifestFile[]> {
    const requests = files.flatMap((file) => this.#request(file, into));
    const { download, env, signal } = this.#context;
    const cache = checkpoints(env);
    const { taken, left } = await takeLocal(
      requests,
      (request) => [path.join(cache, request.path)],
      signal,
    );
    return [...taken, ...(await fetchAll(left, download))];
  }

  #request({ path: name, size }: HubFile, into: string): PackageRequest[] {
    const found = this.#files.find(({ file }) => file === name);
    if (found === undefined) return [];
    const { url, expected } = found;
    return [
      {
        path: name,
        url,
        dest: path.join(into, name),
        label: name,
        size,
        maxBytes: maxPackageBytes,
        expected,
        statusError: this.#statusError,
      },
    ];
  }

  describe(): Description {
    return this.#description;
  }
}

/** Where torch.hub keeps what it has loaded. */
function checkpoints(env: NodeJS.ProcessEnv): string {
  const cache = env['XDG_CACHE_HOME'] || path.join(env['HOME'] ?? '', '.cache');
  return path.join(env['TORCH_HOME'] || path.join(cache, 'torch'), 'hub', 'checkpoints');
}
