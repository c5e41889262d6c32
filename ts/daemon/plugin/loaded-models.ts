import { MlosError } from '../../protocol/errors.ts';
import { type LoadAnswer, readLoadResult } from '../../smi/from-plugin.ts';
import type { Clock } from './clock.ts';
import { type HostModel, modelParams, notLoaded } from './host-jobs.ts';
import type { HostLimits } from './host-limits.ts';
import type { PluginProcess } from './plugin-process.ts';

interface Entry {
  readonly model: HostModel;
  /** Reloads in a row in which the process died. */
  crashes: number;
  /** Why it could not be loaded again; requests for it get this. */
  failure: MlosError | null;
}

export type OnLoaded = (model: HostModel, loaded: LoadAnswer) => Promise<void>;

/** The models that a plugin process should have, and their return after a crash. */
export class LoadedModels {
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #reloading: Entry | null = null;

  constructor(limits: HostLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get ids(): string[] {
    return [...this.#entries].flatMap(([id, { failure }]) => (failure === null ? [id] : []));
  }

  get size(): number {
    return this.#entries.size;
  }

  add(model: HostModel): void {
    this.#entries.set(model.modelId, { model, crashes: 0, failure: null });
  }

  remove(modelId: string): void {
    this.#entries.delete(modelId);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Why the model cannot be run, or null. */
  obstacle(modelId: string): MlosError | null {
    const entry = this.#entries.get(modelId);
    return entry === undefined ? notLoaded(modelId) : entry.failure;
  }

  /** The process died. A model whose reload kills it again and again is left out, for the others' sake. */
  processDied(reason: string): void {
    const entry = this.#reloading;
    this.#reloading = null;
    if (entry === null) return;
    entry.crashes += 1;
    if (entry.crashes < this.#limits.reloadCrashes) return;
    entry.failure = new MlosError(
      'MODEL_LOAD_FAILED',
      `The plugin died ${entry.crashes} times while it loaded ${entry.model.modelId} again: it ${reason}`,
    );
  }

  /**
   * Loads all of them into a new process, one after the other, then calls `onDone`. `onLoaded` may
   * reject: then that is why its model cannot be used.
   */
  reload(process: PluginProcess, onLoaded: OnLoaded, onDone: () => void): void {
    const rest = [...this.#entries.values()].filter(({ failure }) => failure === null);
    const next = (): void => {
      const entry = rest.shift();
      if (entry === undefined) onDone();
      else this.#verifyOne(process, entry, onLoaded, next);
    };
    next();
  }

  /** The bytes that are served after a crash are the bytes that were registered, too. */
  #verifyOne(process: PluginProcess, entry: Entry, onLoaded: OnLoaded, next: () => void): void {
    const verified = entry.model.verify?.() ?? Promise.resolve();
    verified.then(
      () => {
        if (!process.dead) this.#reloadOne(process, entry, onLoaded, next);
      },
      (thrown: unknown) => {
        entry.failure = MlosError.from(thrown);
        if (!process.dead) next();
      },
    );
  }

  #reloadOne(process: PluginProcess, entry: Entry, onLoaded: OnLoaded, next: () => void): void {
    const { modelLoadMs } = this.#limits;
    this.#reloading = entry;
    const timer = this.#clock.after(
      modelLoadMs,
      () => {
        if (this.#reloading === entry)
          process.kill(`did not load a model within ${modelLoadMs} ms`);
      },
      'background',
    );
    const params = modelParams(entry.model, process.engine !== null);
    process.link.request('load_model', params, (error, result) => {
      timer.cancel();
      const loaded = error === null ? readLoadResult(result) : null;
      this.#reloading = null;
      entry.crashes = 0;
      entry.failure = error;
      const ready = loaded === null ? Promise.resolve() : onLoaded(entry.model, loaded);
      ready
        .catch((thrown: unknown) => {
          entry.failure = MlosError.from(thrown);
        })
        .then(() => {
          if (!process.dead) next();
        });
    });
  }
}
