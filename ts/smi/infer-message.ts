import type { Tensor } from '../protocol/tensor.ts';
import { violation } from './contract.ts';
import { MessageWriter } from './message-writer.ts';
import { type NamedTensors, readTensors, writeTensors } from './tensor-transport.ts';

/*
 * The two messages that carry tensors.
 *
 *     infer:  {model_id, outputs?, deadline_us, inputs: [tensor …]}   →   {inference_time_us, outputs: [tensor …]}
 *
 * `deadline_us` is a reading of CLOCK_MONOTONIC, which both processes share: a request that waited
 * in the socket past its deadline is answered without being run.
 */
export interface InferRequest {
  readonly modelId: string;
  readonly inputs: NamedTensors;
  /** Names wanted; null for all. */
  readonly outputs: readonly string[] | null;
  readonly deadlineUs: number | null;
}

export interface InferAnswer {
  readonly outputs: Map<string, Tensor>;
  readonly inferenceTimeUs: number;
}

/** CLOCK_MONOTONIC in microseconds. */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

export function writeInferRequest(id: number, request: InferRequest): readonly Uint8Array[] {
  const writer = new MessageWriter().array(3).value(id).value('infer').map(4);
  writer.key('model_id').value(request.modelId);
  writer.key('outputs').value(request.outputs);
  writer.key('deadline_us').value(request.deadlineUs);
  writer.key('inputs');
  writeTensors(writer, request.inputs);
  return writer.finish();
}

export function readInferRequest(params: unknown): InferRequest {
  const fields = (params ?? {}) as Record<string, unknown>;
  const { model_id: modelId, inputs, outputs = null, deadline_us: deadlineUs = null } = fields;
  if (typeof modelId !== 'string') throw violation('infer: model_id is missing');
  if (outputs !== null && !Array.isArray(outputs)) throw violation('infer: outputs is no list');
  return {
    modelId,
    inputs: readTensors(inputs, 'input'),
    outputs: outputs as readonly string[] | null,
    deadlineUs: typeof deadlineUs === 'number' ? deadlineUs : null,
  };
}

export function writeInferAnswer(id: number, answer: InferAnswer): readonly Uint8Array[] {
  const writer = new MessageWriter().array(3).value(id).value(null).map(2);
  writer.key('inference_time_us').value(answer.inferenceTimeUs);
  writer.key('outputs');
  writeTensors(writer, answer.outputs);
  return writer.finish();
}

/** Reads the answer to a request that asked for `wanted`; every one of them must be there. */
export function readInferAnswer(result: unknown, wanted: readonly string[] | null): InferAnswer {
  const { outputs, inference_time_us: time } = (result ?? {}) as Record<string, unknown>;
  if (typeof time !== 'number' || !Number.isSafeInteger(time) || time < 0) {
    throw violation('infer: inference_time_us is no count');
  }
  const tensors = readTensors(outputs, 'output');
  const missing = wanted?.find((name) => !tensors.has(name));
  if (missing !== undefined) {
    throw violation(`infer: the output ${JSON.stringify(missing)} was asked for and is missing`);
  }
  return { outputs: tensors, inferenceTimeUs: time };
}
