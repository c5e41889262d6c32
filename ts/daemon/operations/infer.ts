import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Params, Result } from '../../protocol/method-table.ts';
import { setOwn } from '../../protocol/own-property.ts';
import { sequenceMark } from '../../protocol/sequence.ts';
import { checkOutputNames } from '../../protocol/signature-inputs.ts';
import type { TaskName } from '../../protocol/tasks/task.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { KeepAlive } from '../lifecycle/keep-alive.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { ReadyModel } from '../lifecycle/model-loader.ts';
import type { Counters } from '../observe/counters.ts';
import type { InferenceRequest, InferenceResult } from '../plugin/host-jobs.ts';
import type { ModelRecord } from '../registry/model-record.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import type { RequestContext } from '../request-context.ts';
import { readInputs } from './infer-inputs.ts';
import { namedModel } from './model-info.ts';
import type { Operation } from './operation.ts';
import { readyWithin } from './ready-model.ts';
import { readTask, wantedTask } from './tasks/task-request.ts';
import { wireResult } from './tasks/task-result.ts';

type InferParams = Params<'models.infer'> & Readonly<Record<string, unknown>>;
type InferResult = Result<'models.infer'>;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Assigned, not spread: every request comes through here. */
function addOutputs(
  answer: Writable<InferResult>,
  outputs: Readonly<Record<string, Tensor>>,
  isWanted: boolean,
): void {
  const shapes: Record<string, number[]> = {};
  const types: Record<string, Tensor['dtype']> = {};
  for (const name of Object.keys(outputs)) {
    const tensor = outputs[name] as Tensor;
    answer.output_size += tensor.byteLength;
    setOwn(shapes, name, [...tensor.shape]);
    setOwn(types, name, tensor.dtype);
  }
  if (!isWanted) return;
  answer.outputs = outputs;
  answer.output_shapes = shapes;
  answer.output_dtypes = types;
}

/** The sooner of what the request and its call allow; the configured one where neither says. */
function timeoutOf(
  given: number | undefined,
  { deadline }: RequestContext,
  defaultMs: number,
): number {
  if (deadline === Number.POSITIVE_INFINITY) return given ?? defaultMs;
  const left = Math.min(Math.max(1, Math.ceil(deadline - Date.now())), limits.inferenceMaxMs);
  return Math.min(given ?? left, left);
}

/** Errors: those of inputs, and UNKNOWN_INPUT for an output that the model has not. */
function requestOf(
  { record, signature }: ReadyModel,
  params: InferParams,
  context: RequestContext,
  defaultMs: number,
): InferenceRequest {
  const { outputs, priority, sequence } = params;
  if (outputs !== undefined) checkOutputNames(record.id, outputs, signature);
  const request: Writable<InferenceRequest> = {
    modelId: record.id,
    inputs: readInputs(record.id, params, signature, context.files),
    timeoutMs: timeoutOf(params.timeout_ms, context, defaultMs),
    signal: context,
  };
  if (outputs !== undefined) request.outputs = outputs;
  if (priority !== undefined) request.priority = priority;
  if (sequence !== undefined) request.sequence = sequenceMark(sequence);
  return request;
}

/** What an answer says whatever was run. */
function answerOf(
  record: ModelRecord,
  times: { readonly runUs: number; readonly queueUs: number },
): InferResult {
  return {
    status: 'success',
    model_id: record.id,
    model_version: record.digest,
    ordinal: record.ordinal,
    plugin_id: record.pluginId,
    inference_time_us: Math.round(times.runUs),
    queue_time_us: Math.max(0, Math.round(times.queueUs)),
    output_size: 0,
    message: 'Inference completed successfully',
  };
}

/** Whether more than times and sizes is wanted. */
function wantsOutputs({ include_outputs: include = true }: InferParams): boolean {
  return include === true || include === 'true';
}

export function inferOperation(deps: {
  readonly registry: ModelRegistry;
  readonly lifecycle: Lifecycle;
  readonly loadWaitMs: number;
  readonly keepAlive: KeepAlive;
  readonly counters: Counters;
  readonly defaultTimeoutMs: number;
}): Operation<'models.infer'> {
  async function runTask(
    model: ReadyModel,
    params: InferParams,
    context: RequestContext,
    task: TaskName,
  ): Promise<InferResult> {
    const { record, host } = model;
    const { inputs, parameters } = readTask(task, params);
    const started = performance.now();
    const { onEvent } = context;
    const answer = await host.runTask({
      ...{ modelId: record.id, task, inputs, parameters },
      timeoutMs: timeoutOf(params.timeout_ms, context, deps.defaultTimeoutMs),
      ...(params.priority === undefined ? {} : { priority: params.priority }),
      ...(onEvent === null ? {} : { onEvent }),
      signal: context,
    });
    deps.counters.inference();
    const runUs = answer.inference_time_us;
    // All but the plugin's own time: a task's waiting lies within that, in the queues of what it runs.
    const queueUs = (performance.now() - started) * 1000 - runUs;
    return {
      ...answerOf(record, { runUs, queueUs }),
      task,
      ...(wantsOutputs(params) ? { result: wireResult(answer.result) } : {}),
    };
  }

  async function run(
    model: ReadyModel,
    params: InferParams,
    context: RequestContext,
  ): Promise<InferResult> {
    const { record, host } = model;
    const task = wantedTask(record.id, params, model);
    if (task !== null) return runTask(model, params, context, task);
    const started = performance.now();
    const request = requestOf(model, params, context, deps.defaultTimeoutMs);
    const inputUs = (performance.now() - started) * 1000;
    let result: InferenceResult;
    try {
      result = await host.infer(request);
    } catch (thrown) {
      const error = MlosError.from(thrown);
      const lost = error.code === 'MODEL_LOAD_FAILED' || error.code === 'DATA_CORRUPTED';
      if (lost) deps.lifecycle.failed(model, error);
      throw error;
    }
    deps.counters.inference();
    const totalUs = (performance.now() - started) * 1000;
    const transportUs = totalUs - result.queueTimeUs - result.inferenceTimeUs;
    deps.counters.inferenceTimes.add(record, inputUs, transportUs);
    const times = { runUs: result.inferenceTimeUs, queueUs: result.queueTimeUs };
    const answer: Writable<InferResult> = answerOf(record, times);
    addOutputs(answer, result.outputs, wantsOutputs(params));
    return answer;
  }

  return (params, context) => {
    const record = namedModel(deps.registry, params);
    const known = params as InferParams;
    return deps.keepAlive.during(record.id, () => {
      const ready = readyWithin(deps, record, context);
      return ready instanceof Promise
        ? ready.then((model) => run(model, known, context))
        : run(ready, known, context);
    });
  };
}
