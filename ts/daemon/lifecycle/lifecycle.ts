import { join } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { ModelState } from '../../protocol/methods/shared-schemas.ts';
import type { Signature } from '../../protocol/tensor.ts';
import type { PluginHost } from '../plugin/host.ts';
import type { ModelRecord } from '../registry/model-record.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { fileDigest } from '../registry/package.ts';
import type { PluginCatalog } from '../registry/plugin-catalog.ts';
import type { HostPool } from './host-pool.ts';

/**
 * What is loaded; the registry says what exists. States of a model:
 *
 *     unloaded → loading → ready → draining → unloaded
 *                   └────→ failed (with a reason; the next use tries again)
 */
type Loaded =
  | { readonly t: 'loading'; readonly done: Promise<ReadyModel> }
  | { readonly t: 'ready'; readonly model: ReadyModel }
  | { readonly t: 'draining'; readonly done: Promise<void> };

/** A model that can be run now. */
export interface ReadyModel {
  readonly record: ModelRecord;
  readonly host: PluginHost;
  readonly signature: Signature;
}

export class Lifecycle {
  readonly #registry: ModelRegistry;
  readonly #catalog: PluginCatalog;
  readonly #pool: HostPool;
  readonly #intraOpThreads: number;
  readonly #loaded = new Map<string, Loaded>();

  constructor(options: {
    readonly registry: ModelRegistry;
    readonly catalog: PluginCatalog;
    readonly pool: HostPool;
    readonly intraOpThreads: number;
  }) {
    this.#registry = options.registry;
    this.#catalog = options.catalog;
    this.#pool = options.pool;
    this.#intraOpThreads = options.intraOpThreads;
  }

  state(record: ModelRecord): { readonly status: ModelState; readonly reason: string | null } {
    const loaded = this.#loaded.get(record.id);
    if (loaded !== undefined) return { status: loaded.t, reason: null };
    if (record.failure !== null) return { status: 'failed', reason: record.failure };
    return { status: 'unloaded', reason: null };
  }

  get readyCount(): number {
    return [...this.#loaded.values()].filter((loaded) => loaded.t === 'ready').length;
  }

  /** Ids of the models that a plugin has loaded or is loading. */
  loadedOn(pluginId: string): readonly string[] {
    return [...this.#loaded.keys()].filter((id) => this.#registry.find(id)?.pluginId === pluginId);
  }

  /**
   * The model ready to run; loads it where it is not. Synchronous when it is ready. Errors:
   * MODEL_LOAD_FAILED, DATA_CORRUPTED, PLUGIN_NOT_FOUND, PLUGIN_UNAVAILABLE, PLUGIN_CRASHED.
   */
  ready(record: ModelRecord): ReadyModel | Promise<ReadyModel> {
    const loaded = this.#loaded.get(record.id);
    if (loaded?.t === 'ready') return loaded.model;
    if (loaded?.t === 'loading') return loaded.done;
    const before = loaded?.t === 'draining' ? loaded.done : Promise.resolve();
    const done = before.then(() => this.#load(record));
    this.#loaded.set(record.id, { t: 'loading', done });
    return done;
  }

  /** Lets accepted requests finish, then frees the model. A model that is not loaded: nothing to do. */
  async unload(record: ModelRecord): Promise<void> {
    const loaded = this.#loaded.get(record.id);
    if (loaded === undefined) return;
    if (loaded.t === 'draining') return loaded.done;
    const done = this.#unload(record, loaded);
    this.#loaded.set(record.id, { t: 'draining', done });
    return done;
  }

  /** The plugin's processes are gone: its models are unloaded, whatever they were. */
  forgetPlugin(pluginId: string): void {
    for (const id of this.loadedOn(pluginId)) this.#loaded.delete(id);
  }

  async #load(record: ModelRecord): Promise<ReadyModel> {
    try {
      const model = await this.#loadOnHost(record);
      // An unload that came meanwhile waits for this and has the say.
      if (this.#isLoading(record)) this.#loaded.set(record.id, { t: 'ready', model });
      return model;
    } catch (thrown) {
      if (this.#isLoading(record)) this.#loaded.delete(record.id);
      const error = MlosError.from(thrown);
      this.#rememberFailure(record, error);
      throw error;
    }
  }

  #isLoading(record: ModelRecord): boolean {
    return this.#loaded.get(record.id)?.t === 'loading';
  }

  async #loadOnHost(record: ModelRecord): Promise<ReadyModel> {
    const { descriptor } = this.#catalog.resolve(record.pluginId);
    const file = join(record.path, record.file);
    const digest = await fileDigest(file);
    if (digest !== record.digest) {
      throw new MlosError(
        'DATA_CORRUPTED',
        `${file} is not the file that was registered as ${record.id}: sha256 ${digest}, expected ${record.digest}. Register it again if the change is meant.`,
        { details: { expected: record.digest, received: digest } },
      );
    }
    const host = this.#pool.hostFor(descriptor, record.isolation === 'model' ? record.id : null);
    const { signature } = await host.load({
      modelId: record.id,
      path: record.path,
      file,
      options: this.#intraOpThreads > 0 ? { intra_op_threads: this.#intraOpThreads } : {},
    });
    const current: ModelRecord = { ...record, signature, failure: null };
    const changed =
      record.failure !== null || JSON.stringify(signature) !== JSON.stringify(record.signature);
    if (changed && this.#registry.find(record.id)?.digest === record.digest) {
      this.#registry.put(current);
    }
    return { record: current, host, signature };
  }

  /** Only what the model itself is to blame for is kept; a crashed plugin is not. */
  #rememberFailure(record: ModelRecord, error: MlosError): void {
    if (error.code !== 'MODEL_LOAD_FAILED' && error.code !== 'DATA_CORRUPTED') return;
    const known = this.#registry.find(record.id);
    if (known === undefined || known.digest !== record.digest) return;
    const failure = error.message.slice(0, limits.reasonLength);
    this.#registry.put({ ...known, failure });
  }

  async #unload(record: ModelRecord, loaded: Loaded): Promise<void> {
    try {
      // A load that fails has told its own caller; there is nothing left to unload then.
      const model = loaded.t === 'loading' ? await loaded.done.catch(() => null) : null;
      const ready = loaded.t === 'ready' ? loaded.model : model;
      await ready?.host.unload(record.id);
      if (record.isolation === 'model') {
        await this.#pool.stopIsolated(record.pluginId, record.id);
      }
    } finally {
      this.#loaded.delete(record.id);
    }
  }
}
