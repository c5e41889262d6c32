import path from 'node:path';
import type { ManifestFile } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchAll, type PackageRequest } from '../../download/fetch-all.ts';
import { type HttpResponse, header } from '../../download/http.ts';
import { maxPackageBytes } from '../../package/names.ts';
import { publicAddress } from '../../package/public-address.ts';
import type { Description, FileSource, HubFile, Pin } from '../hub.ts';
import { takeLocal } from '../local-copy.ts';
import { describeModel } from './describe-model.ts';
import { listFiles } from './list-files.ts';
import type { ModelscopeApi } from './modelscope-api.ts';
import type { ModelscopeSpec } from './modelscope-spec.ts';
import { pinRevision } from './revision.ts';

/** A repository at one commit. Every file's sha256 is in the list, as a rule; else its size is checked. */
export class ModelscopeSource implements FileSource {
  readonly kind = 'files';
  readonly pin: Pin;
  readonly #commit: string;
  readonly #api: ModelscopeApi;
  readonly #description: Description;
  readonly #context: Context;

  private constructor(
    pin: Pin,
    commit: string,
    api: ModelscopeApi,
    description: Description,
    context: Context,
  ) {
    this.pin = pin;
    this.#commit = commit;
    this.#api = api;
    this.#description = description;
    this.#context = context;
  }

  static async resolve(
    spec: ModelscopeSpec,
    api: ModelscopeApi,
    context: Context,
  ): Promise<ModelscopeSource> {
    const about = await api.ask(spec.repo, spec.repo);
    const commit = await pinRevision(spec, api);
    const url = publicAddress(`${api.endpoint}/models/${spec.repo}`);
    const pin = { hub: 'modelscope', id: spec.repo, revision: commit, url };
    return new ModelscopeSource(pin, commit, api, describeModel(about, url), context);
  }

  plan(): Promise<readonly HubFile[]> {
    return listFiles(this.pin.id, this.#commit, this.#api);
  }

  async fetch(files: readonly HubFile[], into: string): Promise<readonly ManifestFile[]> {
    const { env, download, signal } = this.#context;
    const requests = files.map((file) => this.#request(file, into));
    const caches = cachesOf(this.pin.id, this.#commit, env);
    const { taken, left } = await takeLocal(
      requests,
      (request) => caches.map((cache) => path.join(cache, request.path)),
      signal,
    );
    return [...taken, ...(await fetchAll(left, download))];
  }

  #request({ path: name, size, expected }: HubFile, into: string): PackageRequest {
    const query = `Revision=${this.#commit}&FilePath=${encodeURIComponent(name)}`;
    return {
      path: name,
      url: `${this.#api.endpoint}/api/v1/models/${this.pin.id}/repo?${query}`,
      dest: path.join(into, ...name.split('/')),
      label: name,
      size,
      maxBytes: maxPackageBytes,
      expected,
      credential: this.#api.credential,
      check: (response) => refuseEnvelope(response, name, size),
      statusError: this.#api.statusError(this.pin.id, name),
      allowMarkup: /\.(html?|xml|svg)$/i.test(name),
    };
  }

  describe(): Description {
    return this.#description;
  }
}

/** The hub's own error may come with status 200 where the file was asked for. */
function refuseEnvelope(response: HttpResponse, name: string, size: number | null): void {
  const type = header(response, 'content-type') ?? '';
  const length = Number(header(response, 'content-length') ?? Number.NaN);
  const isSlice = header(response, 'content-range') !== null;
  if (response.status !== 200 || isSlice || !type.startsWith('application/json') || length === size)
    return;
  throw new AxonError(
    'BAD_RESPONSE',
    `${response.url.host} answered a message instead of ${name}. Nothing was installed; try again later.`,
  );
}

/** Where ModelScope's own tools keep files, in both of their layouts. */
function cachesOf(repo: string, commit: string, env: NodeJS.ProcessEnv): string[] {
  const base = env['MODELSCOPE_CACHE'] || path.join(env['HOME'] ?? '', '.cache', 'modelscope');
  const old = repo.replaceAll('.', '___');
  return [
    path.join(base, 'models', repo.replace('/', '--'), 'snapshots', commit),
    path.join(base, 'hub', 'models', old),
    path.join(base, 'models', old),
  ];
}
