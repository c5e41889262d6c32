import type { ManifestPipeline, ManifestState } from '../../protocol/manifest.ts';
import type { TaskName } from '../../protocol/tasks/task.ts';
import type { Signature } from '../../protocol/tensor.ts';

/**
 * How the engine is to run one model; what is left out comes from the configuration. The names are
 * those of `models.register` and of load_model's options.
 */
export interface ModelEngineOptions {
  readonly priority?: 'realtime' | 'high' | 'normal' | 'batch';
  /** Batches that may run at once. */
  readonly instances?: number;
  readonly intra_op_threads?: number;
  readonly batching?: 'auto' | 'off' | 'fixed';
  readonly max_batch?: number;
  readonly max_delay_us?: number;
  readonly max_queue?: number;
  /** Bounds of a model that keeps states. */
  readonly max_sequences?: number;
  readonly max_state_bytes?: number;
  readonly sequence_idle_ms?: number;
  /** CPUs that its workers may use; empty or left out: chosen by class. */
  readonly cpus?: readonly number[];
}

/** A task of a model, and what its plugin says of it. */
export interface ModelTask {
  readonly name: TaskName;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What the registry keeps of a model. Durable; changed as a whole. */
export interface ModelRecord {
  /** namespace/name@version. */
  readonly id: string;
  readonly name: string;
  /** 1, 2, 3 … in the order in which contents were registered under `namespace/name`; never used again. */
  readonly ordinal: number;
  readonly pluginId: string;
  /** A sentence: why this plugin. */
  readonly pluginChoice: string;
  readonly framework: string | null;
  readonly executionFormat: string;
  /** Folder of the package, absolute. */
  readonly path: string;
  /** The file that the plugin loads, relative to `path`. */
  readonly file: string;
  /** sha256 of that file, hex: the immutable version. */
  readonly digest: string;
  readonly description: string | null;
  readonly manifestPath: string | null;
  readonly isolation: 'plugin' | 'model';
  readonly engine: ModelEngineOptions;
  /** Outputs that it takes as inputs at the next request of a sequence; left out: none. */
  readonly state?: readonly ManifestState[];
  /** It is other models, one after the other, whose ids are written out here; left out: it is not. */
  readonly pipeline?: ManifestPipeline;
  /** What the package says that the model is for; left out: nothing. */
  readonly declaredTask?: string;
  readonly signature: Signature | null;
  /** What its plugin can do with it beside running tensors; left out: nothing, or it was never loaded. */
  readonly tasks?: readonly ModelTask[];
  /** Why the last attempt to load it failed; null where none did. */
  readonly failure: string | null;
  /** RFC 3339. */
  readonly registeredAt: string;
}

/** What the registry keeps of a plugin that was registered by a caller. */
export interface PluginRecord {
  /** name@version. */
  readonly id: string;
  /** Folder of its plugin.yaml, absolute. */
  readonly folder: string;
  readonly registeredAt: string;
}
