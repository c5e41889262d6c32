import type { Priority } from '../../native/channel-layout.ts';
import { MlosError } from '../../protocol/errors.ts';
import { setOwn } from '../../protocol/own-property.ts';
import type { SequenceMark } from '../../protocol/sequence.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { violation } from '../../smi/contract.ts';
import { encodeFrame } from '../../smi/frame-encoding.ts';
import { type LoadAnswer, readLoadResult } from '../../smi/from-plugin.ts';
import { monotonicUs, readInferAnswer, writeInferRequest } from '../../smi/infer-message.ts';
import type { Clock } from './clock.ts';
import type { HostLimits } from './host-limits.ts';
import type { AbortNotice, Job } from './job.ts';
import { SmiJob } from './smi-job.ts';

export interface HostModel {
  readonly modelId: string;
  /** The model's folder, absolute. */
  readonly path: string;
  /** Absolute path of the file to load. */
  readonly file: string;
  /** What the package says that it is for. */
  readonly task?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Further options, for a plugin that has an engine. */
  readonly engineOptions?: Readonly<Record<string, unknown>>;
  /** Asked before a new process loads the file again: it may have changed. Rejects with the reason. */
  readonly verify?: () => Promise<void>;
}

export interface InferenceRequest {
  readonly modelId: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs?: readonly string[];
  readonly timeoutMs: number;
  /** Less urgent than the model's class, if at all. */
  readonly priority?: Priority;
  readonly sequence?: SequenceMark;
  readonly signal?: AbortNotice;
}

export interface InferenceResult {
  readonly outputs: Record<string, Tensor>;
  readonly inferenceTimeUs: number;
  readonly queueTimeUs: number;
}

export type LoadResult = LoadAnswer;

/** The parameters of load_model and register_model. */
export function modelParams(model: HostModel, hasEngine: boolean) {
  const { modelId, path, file, task, options = {}, engineOptions = {} } = model;
  return {
    model_id: modelId,
    path,
    file,
    ...(task === undefined ? {} : { task }),
    options: hasEngine ? { ...engineOptions, ...options } : options,
  };
}

/** What a request for inference is to its queue. */
export function inferSpec(request: InferenceRequest, clock: Clock) {
  const { modelId, timeoutMs } = request;
  let bytes = 0;
  for (const tensor of Object.values(request.inputs)) bytes += tensor.byteLength;
  const deadlineAt = clock.now() + timeoutMs;
  return { kind: 'infer' as const, modelId, bytes, deadlineAt, runMs: timeoutMs };
}

/** Makes the jobs of one host: how each request is written and its answer read. */
export class HostJobs {
  readonly #limits: HostLimits;
  readonly #clock: Clock;

  constructor(limits: HostLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** A request to a model that its plugin runs through `infer`. */
  infer(request: InferenceRequest): SmiJob<InferenceResult> {
    const { modelId, outputs: wanted = null } = request;
    const inputs = new Map(Object.entries(request.inputs));
    const spec = inferSpec(request, this.#clock);
    const { deadlineAt } = spec;
    const message = {
      encode: (id: number) => {
        const leftUs = Math.round((deadlineAt - this.#clock.now()) * 1000);
        const deadlineUs = monotonicUs() + leftUs;
        return writeInferRequest(id, { modelId, inputs, outputs: wanted, deadlineUs });
      },
      decode: (result: unknown, job: Job<InferenceResult>) => {
        const answer = readInferAnswer(result, wanted);
        const outputs: Record<string, Tensor> = {};
        for (const [name, tensor] of answer.outputs) setOwn(outputs, name, tensor);
        const queuedMs = (job.begunAt ?? job.acceptedAt) - job.acceptedAt;
        const queueTimeUs = Math.max(0, Math.round(queuedMs * 1000));
        return { outputs, inferenceTimeUs: answer.inferenceTimeUs, queueTimeUs };
      },
    };
    return new SmiJob(spec, message, this.#clock);
  }

  /** `hasEngine` is asked when it is sent, `onLoaded` told before anything else happens. */
  load(
    model: HostModel,
    hasEngine: () => boolean,
    onLoaded: (result: LoadResult) => void,
  ): SmiJob<LoadResult> {
    return this.#control('load_model', () => modelParams(model, hasEngine()), {
      kind: 'load',
      modelId: model.modelId,
      decode: (result) => {
        const loaded = readLoadResult(result);
        onLoaded(loaded);
        return loaded;
      },
    });
  }

  unload(modelId: string): SmiJob<null> {
    const params = { model_id: modelId };
    const decode = () => null;
    return this.#control('unload_model', () => params, { kind: 'unload', modelId, decode });
  }

  /** Any other method of the contract; its result is a map of facts. */
  other(
    method: string,
    params: Readonly<Record<string, unknown>>,
  ): SmiJob<Record<string, unknown>> {
    return this.#control(method, () => params, {
      kind: 'other',
      modelId: '',
      decode: (result) => {
        if (typeof result !== 'object' || result === null) throw violation(`${method}: no map`);
        return result as Record<string, unknown>;
      },
    });
  }

  #control<T>(
    method: string,
    params: () => unknown,
    rest: { kind: 'load' | 'unload' | 'other'; modelId: string; decode: (result: unknown) => T },
  ): SmiJob<T> {
    const encode = (id: number) => encodeFrame([id, method, params()]);
    const { kind, modelId, decode } = rest;
    const spec = { kind, modelId, bytes: 0, deadlineAt: null, runMs: this.#limits.modelLoadMs };
    return new SmiJob(spec, { encode, decode }, this.#clock);
  }
}

export function notLoaded(modelId: string): MlosError {
  return new MlosError(
    'FAILED_PRECONDITION',
    `${modelId} is not loaded in this plugin process; load it first.`,
  );
}
