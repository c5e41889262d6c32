import type { Engine } from '../native/engine.ts';
import type { Dtype } from '../protocol/dtype.ts';
import type { Priority } from '../protocol/priority.ts';
import type { TaskName } from '../protocol/tasks/task.ts';
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

/** One request of a task. Inputs and parameters are those of the task's row in the table of tasks, checked. */
export interface PluginTaskRequest {
  readonly modelId: string;
  readonly task: TaskName;
  /** Pictures and recordings are the bytes of their files. */
  readonly inputs: Facts;
  readonly parameters: Facts;
  /** Says something before the answer: what was written so far. Nothing happens where nobody listens. */
  emit(event: Facts): void;
  /** The caller has gone, or the time is up. */
  readonly signal: AbortSignal;
  /** CLOCK_MONOTONIC in microseconds; null: none. */
  readonly deadlineUs: number | null;
  /** How urgent it is, where its caller has said: for the tensors that it runs. */
  readonly priority: Priority | null;
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
  /**
   * Must be there where `loadModel` tells of tasks. Answers the result of one input, or a list of them where
   * a list came. Begun at once, whatever else is under way.
   */
  runTask?(request: PluginTaskRequest): Awaitable<Facts | readonly Facts[]>;
  allocateResources?(request: Facts): Awaitable<Facts>;
  deallocateResources?(request: Facts): Awaitable<Facts>;
  getModelInfo?(modelId: string): Awaitable<Facts>;
  /** Answered even while a request is under way. */
  health?(): Facts;
}
