import type { NativeHandle } from './binding.ts';

export type EngineHandle = NativeHandle<'engine'>;

/** A tensor as the addon hands it to a callback model: `bytes` is a copy, strings are packed. */
export interface NativeTensor {
  readonly index: number;
  /** ONNX's number. */
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** One input or output of a signature; dtype by ONNX's number. */
export interface NativeValueSpec {
  readonly name: string;
  readonly dtype: number;
  /** −1: dynamic; null: not even the rank is known. */
  readonly shape: readonly number[] | null;
  /** As long as the shape; "" where the model gives no name. */
  readonly dims: readonly string[];
}

export interface NativeSignature {
  readonly inputs: readonly NativeValueSpec[];
  readonly outputs: readonly NativeValueSpec[];
}

export interface NativeAddedModel {
  readonly handle: number;
  readonly signature: NativeSignature;
  readonly runner: string;
  readonly measures: readonly { name: string; outcome: string; detail: string }[];
}

export interface NativeModelOptions {
  readonly priority: number;
  readonly instances: number;
  readonly maxQueue: number;
  readonly batching: 'auto' | 'off' | 'fixed';
  readonly maxBatch: number;
  readonly maxDelayUs: number;
  readonly cpus: readonly number[];
  readonly intraOpThreads: number;
  /** 0: it is no part. */
  readonly partOf: number;
  /** Null: the model keeps no state. */
  readonly sequences: {
    readonly states: readonly {
      readonly input: string;
      readonly output: string;
      /** Null: the input's own. */
      readonly shape: readonly number[] | null;
      readonly initial: number;
    }[];
    readonly maxCount: number;
    readonly maxBytes: number;
    readonly idleMs: number;
  } | null;
}

export interface NativePipeline {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly steps: readonly {
    readonly handle: number;
    readonly name: string;
    /** A name of the model's and the tensor that it is. */
    readonly inputs: readonly (readonly [string, string])[];
    readonly outputs: readonly (readonly [string, string])[];
  }[];
}

export interface NativeOrtSettings {
  readonly library: string;
  readonly modelPath: string;
  /** Null: the runtime's default. */
  readonly intraOpThreads: number | null;
  readonly interOpThreads: number | null;
  readonly graphOptimization: string | null;
  readonly executionMode: string | null;
  readonly cpuMemArena: boolean | null;
  readonly memPattern: boolean | null;
  readonly freeDimensions: readonly (readonly [string, number])[];
}

/** Runs a callback model once; `call` names the run in engineSettle. */
export type NativeRun = (
  call: number,
  inputs: readonly NativeTensor[],
  outputs: readonly number[],
) => void;

/** The part of the addon that engine.ts uses. */
export interface EngineBinding {
  engineStart(
    controlFd: number,
    spinUs: number,
    reservedCpus: readonly number[],
    lockMemory: boolean,
  ): EngineHandle;
  engineAddOnnx(
    engine: EngineHandle,
    settings: NativeOrtSettings,
    options: NativeModelOptions,
  ): Promise<NativeAddedModel>;
  engineAddCallback(
    engine: EngineHandle,
    signature: NativeSignature,
    run: NativeRun,
    options: NativeModelOptions,
    description: string,
    isBlocking: boolean,
  ): Promise<NativeAddedModel>;
  engineAddPipeline(
    engine: EngineHandle,
    pipeline: NativePipeline,
    options: NativeModelOptions,
  ): Promise<NativeAddedModel>;
  engineAddShared(
    engine: EngineHandle,
    model: number,
    options: NativeModelOptions,
  ): Promise<NativeAddedModel>;
  /** A run's outputs, or its error. Unknown calls (terminated ones) are fine. */
  engineSettle(engine: EngineHandle, call: number, outputs: readonly NativeTensor[]): void;
  engineReject(engine: EngineHandle, call: number, code: string, message: string): void;
  engineRemove(engine: EngineHandle, model: number, status: number): Promise<void>;
  engineOpenChannel(
    engine: EngineHandle,
    model: number,
    channelId: number,
    responseRegion: number,
    bell: number,
    hostSocket: number,
  ): void;
  engineActivateChannel(engine: EngineHandle, channelId: number, requestRegion: number): void;
  engineClose(engine: EngineHandle): void;
}
