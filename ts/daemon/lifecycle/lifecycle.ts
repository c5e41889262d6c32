import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { ModelState } from '../../protocol/methods/shared-schemas.ts';
import type { ModelRecord } from '../registry/model-record.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { KeyedQueue } from './keyed-queue.ts';
import type { ModelLoader, ReadyModel } from './model-loader.ts';

/**
 * What is loaded; the registry says what exists. States of a model:
 *
 *     unloaded → loading → ready → draining → unloaded
 *                   └────→ failed (with a reason; the next use tries again)
 *
 * Rules:
 *
 * 1. All changes of one model id go through one queue: register, load, unload and unregister of it
 *    happen one after the other, whoever asks. Inference on a ready model does not wait for anything.
 * 2. A change that ends puts its result in place only if its own entry is still there: a plugin that
 *    was stopped meanwhile has taken it away.
 */
type Entry =
  | { readonly t: 'loading'; readonly since: number }
  | { readonly t: 'ready'; readonly model: ReadyModel }
  | { readonly t: 'draining' };

/** What can be done with a model while its queue is held (rule 1). */
export interface HeldModel {
  /** Loads the registered model where it is not. */
  load(): Promise<ReadyModel>;
  /** Lets accepted requests finish, then frees it. Not loaded: nothing to do. */
  unload(): Promise<void>;
}

export class Lifecycle {
  readonly #registry: ModelRegistry;
  readonly #loader: ModelLoader;
  readonly #queue = new KeyedQueue();
  readonly #entries = new Map<string, Entry>();

  constructor(registry: ModelRegistry, loader: ModelLoader) {
    this.#registry = registry;
    this.#loader = loader;
  }

  state(record: ModelRecord): { readonly status: ModelState; readonly reason: string | null } {
    const entry = this.#entries.get(record.id);
    if (entry !== undefined) return { status: entry.t, reason: null };
    if (record.failure !== null) return { status: 'failed', reason: record.failure };
    return { status: 'unloaded', reason: null };
  }

  /** How long the model is being loaded; 0 where that has not begun. */
  loadingMs(id: string): number {
    const entry = this.#entries.get(id);
    return entry?.t === 'loading' ? performance.now() - entry.since : 0;
  }

  get readyCount(): number {
    return [...this.#entries.values()].filter((entry) => entry.t === 'ready').length;
  }

  /**
   * The model ready to run; loads it where it is not. Synchronous when it is ready. Errors:
   * MODEL_NOT_FOUND, MODEL_LOAD_FAILED, DATA_CORRUPTED, PLUGIN_NOT_FOUND, PLUGIN_UNAVAILABLE, PLUGIN_CRASHED.
   */
  ready(id: string): ReadyModel | Promise<ReadyModel> {
    const entry = this.#entries.get(id);
    if (entry?.t === 'ready') return entry.model;
    return this.change(id, (held) => held.load());
  }

  /** Rule 1: `task` has the model id for itself. */
  change<T>(id: string, task: (held: HeldModel) => Promise<T>): Promise<T> {
    return this.#queue.run(id, () =>
      task({ load: () => this.#load(id), unload: () => this.#unload(id) }),
    );
  }

  /** The plugin's processes are being ended: its models are unloaded, whatever they were. */
  forgetPlugin(pluginId: string): void {
    for (const id of [...this.#entries.keys()]) {
      if (this.#registry.find(id)?.pluginId === pluginId) this.#entries.delete(id);
    }
  }

  /** A ready model turned out not to be: its plugin could not load it again after a crash. */
  failed(model: ReadyModel, error: MlosError): void {
    const { id } = model.record;
    const entry = this.#entries.get(id);
    if (entry?.t !== 'ready' || entry.model !== model) return;
    this.#entries.delete(id);
    this.#rememberFailure(model.record, error);
  }

  async #load(id: string): Promise<ReadyModel> {
    const current = this.#entries.get(id);
    if (current?.t === 'ready') return current.model;
    const record = this.#registry.resolve(id);
    const entry: Entry = { t: 'loading', since: performance.now() };
    this.#entries.set(id, entry);
    try {
      // A step never waits for a pipeline, so that this ends.
      for (const step of record.pipeline?.steps ?? []) await this.ready(step.model);
      const model = await this.#loader.load(record);
      this.#replace(id, entry, { t: 'ready', model });
      this.#rememberSuccess(model.record);
      return model;
    } catch (thrown) {
      this.#replace(id, entry, null);
      const error = MlosError.from(thrown);
      this.#rememberFailure(record, error);
      throw error;
    }
  }

  async #unload(id: string): Promise<void> {
    const current = this.#entries.get(id);
    if (current?.t !== 'ready') return;
    const entry: Entry = { t: 'draining' };
    this.#entries.set(id, entry);
    try {
      await this.#loader.unload(current.model);
    } finally {
      this.#replace(id, entry, null);
    }
  }

  /** Rule 2. */
  #replace(id: string, own: Entry, next: Entry | null): void {
    if (this.#entries.get(id) !== own) return;
    if (next === null) this.#entries.delete(id);
    else this.#entries.set(id, next);
  }

  #rememberSuccess(loaded: ModelRecord): void {
    const known = this.#registry.find(loaded.id);
    if (known === undefined || known.digest !== loaded.digest) return;
    const same =
      known.failure === null &&
      JSON.stringify([known.signature, known.tasks ?? []]) ===
        JSON.stringify([loaded.signature, loaded.tasks ?? []]);
    if (same) return;
    const { signature, tasks = [] } = loaded;
    this.#registry.put({ ...known, signature, tasks, failure: null });
  }

  /** Only what the model itself is to blame for is kept; a crashed plugin is not. */
  #rememberFailure(record: ModelRecord, error: MlosError): void {
    if (error.code !== 'MODEL_LOAD_FAILED' && error.code !== 'DATA_CORRUPTED') return;
    const known = this.#registry.find(record.id);
    if (known === undefined || known.digest !== record.digest) return;
    this.#registry.put({ ...known, failure: error.message.slice(0, limits.reasonLength) });
  }
}
