import { dtypes } from '../../../protocol/dtype.ts';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Params, Result } from '../../../protocol/method-table.ts';
import type { Tensor } from '../../../protocol/tensor.ts';
import { solveShape } from '../../../protocol/tensor-input.ts';
import type { RequestContext } from '../../request-context.ts';
import { classify, wantedClasses } from './classification.ts';
import { isBatched } from './models.ts';
import { modelParams, type OperationCalls } from './operations.ts';
import { type InferOptions, inferOptions } from './parameters.ts';
import { type HeldPlace, placeOf, type SharedMemory } from './shared-memory.ts';
import { oipFail } from './status.ts';
import {
  datatypeOf,
  type InputValue,
  inputValue,
  outputBytes,
  outputOf,
  shown,
  textOf,
} from './tensors.ts';
import { tracedAnswer } from './traced-answer.ts';
import type { Tracer } from './tracer.ts';
import {
  noParameters,
  type OipInferRequest,
  type OipInferResponse,
  type OipInput,
  type OipModelRef,
  type OipOutput,
  type OipRequestedOutput,
} from './types.ts';

type InferResult = Result<'models.infer'>;
type Labels = Result<'models.labels'>['labels'];

/** By the name of the output. */
type HeldPlaces = ReadonlyMap<string, HeldPlace>;

/** Models whose labels are remembered, by the digest of their file. */
const rememberedLabels = 64;

/** Inference: a request of the protocol → models.infer → an answer of the protocol. */
export class OipInference {
  readonly #operations: OperationCalls;
  readonly #sharedMemory: SharedMemory;
  readonly #tracer: Tracer;
  readonly #labels = new Map<string, Labels>();

  constructor(operations: OperationCalls, sharedMemory: SharedMemory, tracer: Tracer) {
    this.#operations = operations;
    this.#tracer = tracer;
    this.#sharedMemory = sharedMemory;
  }

  /** Views in the request are read before the answer comes, and not after. */
  async infer(request: OipInferRequest, context: RequestContext): Promise<OipInferResponse> {
    const options = inferOptions(request.parameters);
    const isStateless = options.sequence !== null && !(await this.#keepsState(request, context));
    const params = this.#params(request, isStateless ? { ...options, sequence: null } : options);
    const places = this.#hold(request.outputs);
    try {
      return await this.#run(request, params, places, context);
    } finally {
      for (const place of places.values()) place.release();
    }
  }

  async #run(
    request: OipInferRequest,
    params: Params<'models.infer'>,
    places: HeldPlaces,
    context: RequestContext,
  ): Promise<OipInferResponse> {
    const trace = this.#tracer.begin(request.modelName);
    const result = await this.#operations.call('models.infer', params, context);
    const outputs = (result.outputs ?? {}) as Readonly<Record<string, Tensor>>;
    if (trace !== null) trace.end(tracedAnswer(params, request, result));
    const wanted = request.outputs;
    return {
      modelName: request.modelName,
      modelVersion: String(result.ordinal),
      id: request.id,
      parameters: noParameters,
      outputs:
        wanted.length === 0
          ? Object.entries(outputs).map(([name, tensor]) => outputOf(name, tensor))
          : await this.#wantedOutputs(wanted, outputs, places, result, context),
    };
  }

  /** A body that is the model's one input as it lies (the raw binary request). */
  async inferRaw(
    ref: OipModelRef,
    body: Uint8Array,
    context: RequestContext,
  ): Promise<OipInferResponse> {
    const { model } = await this.#operations.call('models.get', modelParams(ref), context);
    // Its signature is known only once it was loaded.
    const loaded =
      model.signature === null
        ? (await this.#operations.call('models.load', modelParams(ref), context)).model
        : model;
    const [spec, ...others] = loaded.signature?.inputs ?? [];
    if (spec === undefined || others.length > 0) {
      oipFail(
        `${shown(ref.modelName)} has ${others.length + 1} inputs; a raw binary request is one.`,
      );
    }
    const isText = spec.dtype === 'string';
    const size = isText ? 1 : dtypes[spec.dtype].byteLength;
    if (!isText && body.byteLength % size !== 0) {
      oipFail(
        `The body of ${body.byteLength} bytes is no whole number of ${datatypeOf(spec.dtype)}.`,
      );
    }
    const shape = solveShape(spec, isText ? 1 : body.byteLength / size);
    const input: OipInput = {
      name: spec.name,
      datatype: datatypeOf(spec.dtype),
      shape,
      parameters: noParameters,
      data: isText ? [textOf(spec.name, 0, Buffer.from(body))] : body,
    };
    const rest = { id: '', parameters: noParameters, inputs: [input], outputs: [] };
    return this.infer({ ...ref, ...rest }, context);
  }

  /** A sequence means nothing to a model without a state, and clients send one to any. */
  async #keepsState(ref: OipModelRef, context: RequestContext): Promise<boolean> {
    const { model } = await this.#operations.call('models.get', modelParams(ref), context);
    return model.state.length > 0;
  }

  #params(request: OipInferRequest, options: InferOptions): Params<'models.infer'> {
    const { inputs, outputs } = request;
    checkSharedBytes(inputs);
    const values: [string, InputValue][] = [];
    for (const input of inputs) values.push([input.name, this.#inputValue(input)]);
    return {
      ...modelParams(request),
      inputs: uniqueNames('input', values),
      ...(outputs.length === 0 ? {} : { outputs: outputNames(outputs) }),
      ...(options.timeoutMs === null ? {} : { timeout_ms: options.timeoutMs }),
      ...(options.priority === null ? {} : { priority: options.priority }),
      ...(options.sequence === null ? {} : { sequence: options.sequence }),
    };
  }

  #inputValue(input: OipInput): InputValue {
    const place = placeOf(input.parameters);
    if (place !== null) {
      if (input.data !== null) oipFail(`Input ${shown(input.name)} has data and a shared region.`);
      return inputValue(input, this.#sharedMemory.read(place));
    }
    if (input.data === null) oipFail(`Input ${shown(input.name)} has no data.`);
    return inputValue(input, input.data);
  }

  async #wantedOutputs(
    wanted: readonly OipRequestedOutput[],
    tensors: Readonly<Record<string, Tensor>>,
    places: HeldPlaces,
    result: InferResult,
    context: RequestContext,
  ): Promise<readonly OipOutput[]> {
    const outputs: OipOutput[] = [];
    for (const { name, parameters } of wanted) {
      const tensor = tensors[name];
      // models.infer answers with the outputs that were asked for, or fails.
      if (tensor === undefined) throw new Error(`models.infer left out ${shown(name)}.`);
      const classes = wantedClasses(name, parameters);
      const output =
        classes === null
          ? outputOf(name, tensor)
          : await this.#classes(name, tensor, classes, result, context);
      outputs.push(placed(output, parameters, places.get(name)));
    }
    return outputs;
  }

  async #classes(
    name: string,
    tensor: Tensor,
    wanted: number,
    result: InferResult,
    context: RequestContext,
  ): Promise<OipOutput> {
    const params = { model_id: result.model_id };
    const { model } = await this.#operations.call('models.get', params, context);
    const labels = await this.#labelsOf(result, context);
    return classify(name, tensor, wanted, {
      isBatched: isBatched(model),
      labels: Object.hasOwn(labels, name) ? (labels[name] ?? []) : [],
    });
  }

  async #labelsOf(result: InferResult, context: RequestContext): Promise<Labels> {
    const key = `${result.model_id} ${result.model_version}`;
    const known = this.#labels.get(key);
    if (known !== undefined) return known;
    const params = { model_id: result.model_id };
    const { labels } = await this.#operations.call('models.labels', params, context);
    const [oldest] = this.#labels.keys();
    if (this.#labels.size >= rememberedLabels && oldest !== undefined) this.#labels.delete(oldest);
    this.#labels.set(key, labels);
    return labels;
  }

  /** Known to be there before the model runs, and there until the outputs are. */
  #hold(outputs: readonly OipRequestedOutput[]): HeldPlaces {
    const places = new Map<string, HeldPlace>();
    try {
      for (const { name, parameters } of outputs) {
        const place = placeOf(parameters);
        if (place !== null) places.set(name, this.#sharedMemory.hold(place));
      }
      return places;
    } catch (error) {
      for (const place of places.values()) place.release();
      throw error;
    }
  }
}

/** Into shared memory, where the request wants it there. */
function placed(
  output: OipOutput,
  parameters: OipRequestedOutput['parameters'],
  held: HeldPlace | undefined,
): OipOutput {
  if (held === undefined) return output;
  const bytes = outputBytes(output);
  held.write(bytes);
  const region = String(parameters.get('shared_memory_region'));
  return { ...output, data: null, sharedMemory: { region, byteSize: bytes.byteLength } };
}

/** Reading what lies in shared memory makes a copy, however short the request is. */
function checkSharedBytes(inputs: readonly OipInput[]): void {
  const bytes = inputs.reduce((sum, one) => sum + (placeOf(one.parameters)?.byteSize ?? 0), 0);
  if (bytes <= limits.sharedInputBytes) return;
  throw new MlosError(
    'PAYLOAD_TOO_LARGE',
    `Inputs in shared memory have ${bytes} bytes together; the limit is ${limits.sharedInputBytes}.`,
  );
}

/** fromEntries defines own properties, so that a name such as `__proto__` is a name like any other. */
function uniqueNames<T>(what: string, entries: readonly (readonly [string, T])[]) {
  const object = Object.fromEntries(entries);
  if (Object.keys(object).length < entries.length) {
    const names = entries.map(([name]) => name);
    const twice = names.find((name, i) => names.indexOf(name) < i) ?? '';
    oipFail(`The ${what} ${shown(twice)} is given twice.`);
  }
  return object as Record<string, T>;
}

function outputNames(outputs: readonly OipRequestedOutput[]): string[] {
  return Object.keys(
    uniqueNames(
      'output',
      outputs.map(({ name }) => [name, null]),
    ),
  );
}
