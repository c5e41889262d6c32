import type { Signature } from '../protocol/tensor.ts';
import type { Priority } from './channel-layout.ts';

export interface EngineOptions {
  /** The most microseconds that an idle worker spins before it sleeps; 0 on one-core hosts. */
  readonly spinUs: number;
  /** CPUs kept for realtime models. */
  readonly reservedCpus: readonly number[];
  readonly lockMemory: boolean;
}

export interface EngineModelOptions {
  readonly priority: Priority;
  /** Worker threads, 1 to 16: so many batches run at once. */
  readonly instances: number;
  /** Requests that may wait; beyond it the answer is TOO_MANY_REQUESTS. */
  readonly maxQueue: number;
  readonly batching: 'auto' | 'off' | 'fixed';
  readonly maxBatch: number;
  /** How long the first request of a batch may wait for others. */
  readonly maxDelayUs: number;
  /** Empty: chosen by class. */
  readonly cpus: readonly number[];
  /** For the statistics; what the runtime uses is in its own options. */
  readonly intraOpThreads: number;
  /** Handle of the model whose part it is in the statistics; left out: it is one for itself. */
  readonly partOf?: number;
  /** Left out: the model keeps nothing from request to request. */
  readonly sequences?: SequenceOptions;
}

/** How a model keeps states from one request of a sequence to the next. */
export interface SequenceOptions {
  readonly states: readonly ModelState[];
  /** Sequences that there may be at once, and the bytes of all their states. */
  readonly maxCount: number;
  readonly maxBytes: number;
  /** A sequence without requests for so long is forgotten. */
  readonly idleMs: number;
}

/** An input that takes an output of the sequence's request before; no client sees either. */
export interface ModelState {
  readonly input: string;
  readonly output: string;
  /** Of the first one; −1: the rows of the request. Left out: the input's own. */
  readonly shape?: readonly number[] | undefined;
  /** Of all elements of the first one; 0 where left out. */
  readonly initial?: number | undefined;
}

/** Tensors by name, and the models that make and take them. */
export interface PipelineGraph {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly steps: readonly {
    /** Of a model of this engine. */
    readonly handle: number;
    /** For messages. */
    readonly name: string;
    readonly inputs: Readonly<Record<string, string>>;
    readonly outputs: Readonly<Record<string, string>>;
  }[];
}

/** How ONNX Runtime opens a model. What is not given stays at the runtime's default. */
export interface OrtSessionOptions {
  /** Path of libonnxruntime. */
  readonly library: string;
  readonly intraOpThreads?: number;
  readonly interOpThreads?: number;
  readonly graphOptimization?: 'disabled' | 'basic' | 'extended' | 'layout' | 'all';
  readonly executionMode?: 'sequential' | 'parallel';
  readonly cpuMemArena?: boolean;
  readonly memPattern?: boolean;
  /** Sizes of dimensions that the model names. */
  readonly freeDimensions?: Readonly<Record<string, number>>;
}

export interface AddedModel {
  /** What openChannel names. */
  readonly handle: number;
  readonly signature: Signature;
  /** For people. */
  readonly runner: string;
  /** What was asked of the kernel for the model's threads and memory, and what came of it. */
  readonly measures: readonly { name: string; outcome: string; detail: string }[];
}
