import type { Signature, Tensor } from '../../protocol/tensor.ts';

/** One loaded model. */
export interface RunnerSession {
  readonly signature: Signature;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** `outputs`: names wanted, null for all. Throws INFERENCE_FAILED, MISSING_INPUT, UNKNOWN_INPUT. */
  run(
    inputs: ReadonlyMap<string, Tensor>,
    outputs: readonly string[] | null,
  ): Promise<Map<string, Tensor>>;
  close(): Promise<void>;
}

/** What executes ONNX models; the plugin does not know how. */
export interface Runner {
  /** For status pages, such as `onnxruntime-node 1.30.0`. */
  readonly name: string;
  /** Throws MODEL_LOAD_FAILED or UNIMPLEMENTED. */
  open(file: string, options: Readonly<Record<string, unknown>>): Promise<RunnerSession>;
}
