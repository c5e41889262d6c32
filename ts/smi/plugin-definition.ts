import type { Engine } from '../native/engine.ts';
import type { Dtype } from '../protocol/dtype.ts';
import type { Tensor } from '../protocol/tensor.ts';
import type { LoadedModel, ModelReference } from './contract.ts';

type Awaitable<T> = T | Promise<T>;
export type Facts = Readonly<Record<string, unknown>>;

export interface PluginInferRequest {
  readonly modelId: string;
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** Names of the outputs wanted; null for all. */
  readonly outputs: readonly string[] | null;
}

export interface PluginContext {
  readonly hostId: string;
  /** Null where the plugin wants none or the daemon has none to give. */
  readonly engine: Engine | null;
}

/**
 * What an author writes: facts and handlers. Only `loadModel` and `infer` must be there. A handler
 * that throws an MlosError answers it as it is; any other error becomes MODEL_LOAD_FAILED or
 * INFERENCE_FAILED with its message.
 */
export interface PluginDefinition {
  readonly name: string;
  readonly version: string;
  readonly frameworks?: readonly string[];
  /** Execution formats, such as `onnx`. */
  readonly formats: readonly string[];
  readonly dtypes: readonly Dtype[];
  /** What executes the models, for status pages; the name and version when left out. */
  readonly runner?: string;
  /** Requests that may be under way at once; 1 when left out. */
  readonly concurrency?: number;

  /** True: `initialize` gets a native engine, and models may be put into it. */
  readonly engine?: boolean;

  initialize?(context: PluginContext): Awaitable<void>;
  /** The last call before the process ends. */
  cleanup?(): Awaitable<void>;
  /** The model is known but need not be loaded: a place to refuse it early. */
  registerModel?(model: ModelReference): Awaitable<void>;
  unregisterModel?(modelId: string): Awaitable<void>;
  loadModel(model: ModelReference): Awaitable<LoadedModel>;
  unloadModel?(modelId: string): Awaitable<void>;
  /** Must be there unless all models are put into the engine. */
  infer?(request: PluginInferRequest): Awaitable<Map<string, Tensor>>;
  allocateResources?(request: Facts): Awaitable<Facts>;
  deallocateResources?(request: Facts): Awaitable<Facts>;
  getModelInfo?(modelId: string): Awaitable<Facts>;
  /** Answered even while a request is under way. */
  health?(): Facts;
}
