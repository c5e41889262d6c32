import { type Dtype, dtypeFromOnnx, dtypes } from '../protocol/dtype.ts';
import { type ErrorCode, isErrorCode } from '../protocol/error-codes.ts';
import { MlosError } from '../protocol/errors.ts';
import { type Signature, Tensor, type TensorSpec } from '../protocol/tensor.ts';
import { requireFd, requireInteger } from './arguments.ts';
import { nativeBinding } from './binding.ts';
import { channelLayout } from './channel-layout.ts';
import type {
  EngineHandle,
  NativeAddedModel,
  NativeModelOptions,
  NativeSignature,
  NativeTensor,
  NativeValueSpec,
} from './engine-binding.ts';
import type {
  AddedModel,
  EngineModelOptions,
  EngineOptions,
  OrtSessionOptions,
  PipelineGraph,
} from './engine-types.ts';
import { NativeError, translated } from './native-error.ts';
import { packStrings, unpackStrings } from './packed-strings.ts';
import { statusOfErrorCode } from './status-code.ts';

export type { Priority } from './channel-layout.ts';
export type {
  AddedModel,
  EngineModelOptions,
  EngineOptions,
  ModelState,
  OrtSessionOptions,
  PipelineGraph,
  SequenceOptions,
} from './engine-types.ts';

/** Runs a model in JavaScript: the outputs asked for, by name. What it throws is the answer's error. */
export type CallbackRun = (
  inputs: Map<string, Tensor>,
  outputs: readonly string[],
) => Promise<Map<string, Tensor>>;

/**
 * The engine of this plugin process: it serves the channels that the daemon opens over the control
 * socket, on threads of its own. One per process.
 */
export class Engine {
  readonly #handle: EngineHandle;
  #isClosed = false;

  private constructor(handle: EngineHandle) {
    this.#handle = handle;
  }

  /** Takes the control socket (SEQPACKET) over; the engine ends when the daemon closes its end. */
  static start(controlFd: number, options: EngineOptions): Engine {
    const { spinUs, reservedCpus, lockMemory } = options;
    requireFd(controlFd, 'controlFd');
    requireInteger(spinUs, 'spinUs', { min: 0, max: 1_000_000 });
    return translated(
      () => new Engine(nativeBinding().engineStart(controlFd, spinUs, reservedCpus, lockMemory)),
    );
  }

  /**
   * Loads a model into ONNX Runtime and puts it into service, off this thread.
   * @throws MlosError `MODEL_LOAD_FAILED`; `UNIMPLEMENTED` where the runtime's C ABI cannot be used.
   */
  async addOnnxModel(
    file: string,
    ort: OrtSessionOptions,
    model: EngineModelOptions,
  ): Promise<AddedModel> {
    const settings = {
      library: ort.library,
      modelPath: file,
      intraOpThreads: ort.intraOpThreads ?? null,
      interOpThreads: ort.interOpThreads ?? null,
      graphOptimization: ort.graphOptimization ?? null,
      executionMode: ort.executionMode ?? null,
      cpuMemArena: ort.cpuMemArena ?? null,
      memPattern: ort.memPattern ?? null,
      freeDimensions: Object.entries(ort.freeDimensions ?? {}),
    };
    return settled(() =>
      nativeBinding().engineAddOnnx(this.#requireOpen(), settings, toNative(model)),
    );
  }

  /**
   * Puts a model into service that `run` executes on this thread. Rejections become the answer's error.
   * `isBlocking`: a run holds this thread up, so that one which was asked to end is waited for, and not
   * left to itself.
   */
  async addCallbackModel(
    signature: Signature,
    run: CallbackRun,
    model: EngineModelOptions,
    description: string,
    isBlocking = false,
  ): Promise<AddedModel> {
    const handle = this.#requireOpen();
    const native: NativeSignature = {
      inputs: signature.inputs.map(specToNative),
      outputs: signature.outputs.map(specToNative),
    };
    const start = (call: number, inputs: readonly NativeTensor[], outputs: readonly number[]) => {
      // A rejection is answered inside; nothing is left to await.
      void answer(handle, signature, run, call, inputs, outputs);
    };
    return settled(() =>
      nativeBinding().engineAddCallback(
        ...([handle, native, start, toNative(model), description, isBlocking] as const),
      ),
    );
  }

  /**
   * Puts models of this engine into service that run one after the other as one.
   * @throws MlosError `MODEL_LOAD_FAILED` for a graph that cannot be run.
   */
  async addPipeline(pipeline: PipelineGraph, model: EngineModelOptions): Promise<AddedModel> {
    const steps = pipeline.steps.map(({ handle, name, inputs, outputs }) => {
      return { handle, name, inputs: Object.entries(inputs), outputs: Object.entries(outputs) };
    });
    const native = { ...pipeline, steps };
    return settled(() =>
      nativeBinding().engineAddPipeline(this.#requireOpen(), native, toNative(model)),
    );
  }

  /**
   * The weights of a model of this engine once more, with options and a queue of their own.
   * @throws MlosError `MODEL_NOT_FOUND`; `MODEL_LOAD_FAILED` for states that the model has not.
   */
  async addShared(handle: number, model: EngineModelOptions): Promise<AddedModel> {
    return settled(() =>
      nativeBinding().engineAddShared(this.#requireOpen(), handle, toNative(model)),
    );
  }

  /** The host's side of a channel whose client is this process; the descriptors are copied. */
  openChannel(channel: {
    readonly id: number;
    readonly model: number;
    readonly responseRegion: number;
    readonly bell: number;
    readonly hostSocket: number;
  }): void {
    const { id, model, responseRegion, bell, hostSocket } = channel;
    for (const fd of [responseRegion, bell, hostSocket]) requireFd(fd, 'channel');
    const engine = this.#requireOpen();
    try {
      nativeBinding().engineOpenChannel(engine, model, id, responseRegion, bell, hostSocket);
    } catch (thrown) {
      throw toMlosError(thrown);
    }
  }

  /** When the client has mapped and sealed its region; the descriptor is copied. */
  activateChannel(id: number, requestRegion: number): void {
    requireFd(requestRegion, 'requestRegion');
    const engine = this.#requireOpen();
    translated(() => nativeBinding().engineActivateChannel(engine, id, requestRegion));
  }

  /** Closes the model's channels with `code`, waits for what runs, and frees it. */
  async removeModel(handle: number, code: ErrorCode): Promise<void> {
    requireInteger(handle, 'handle', { min: 1, max: 0xffff_ffff });
    try {
      await nativeBinding().engineRemove(this.#requireOpen(), handle, statusOfErrorCode(code));
    } catch (thrown) {
      throw toMlosError(thrown);
    }
  }

  /** Closes every channel; runs under way are ended. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    translated(() => nativeBinding().engineClose(this.#handle));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #requireOpen(): EngineHandle {
    if (this.#isClosed) throw new NativeError('HANDLE_CLOSED', 'the engine is closed');
    return this.#handle;
  }
}

async function answer(
  engine: EngineHandle,
  signature: Signature,
  run: CallbackRun,
  call: number,
  inputs: readonly NativeTensor[],
  wanted: readonly number[],
): Promise<void> {
  const binding = nativeBinding();
  try {
    const given = new Map(
      inputs.map((tensor) => [specAt(signature.inputs, tensor.index).name, fromNative(tensor)]),
    );
    const names = wanted.map((index) => specAt(signature.outputs, index).name);
    const results = await run(given, names);
    const outputs = wanted.map((index) => {
      const spec = specAt(signature.outputs, index);
      const tensor = results.get(spec.name);
      if (tensor?.dtype === spec.dtype) return tensorToNative(index, tensor);
      const came = tensor === undefined ? 'is missing' : `is ${tensor.dtype}, not ${spec.dtype}`;
      throw new MlosError('INFERENCE_FAILED', `Output ${JSON.stringify(spec.name)} ${came}.`);
    });
    binding.engineSettle(engine, call, outputs);
  } catch (thrown) {
    const known = thrown instanceof MlosError;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    binding.engineReject(engine, call, known ? thrown.code : 'INFERENCE_FAILED', message);
  }
}

function specAt(specs: readonly TensorSpec[], index: number): TensorSpec {
  return specs[index] as TensorSpec;
}

function fromNative({ dtype, shape, bytes }: NativeTensor): Tensor {
  const name = dtypeFromOnnx(dtype) as Dtype;
  if (name !== 'string') return new Tensor(name, shape, bytes);
  const count = shape.reduce((product, dim) => product * dim, 1);
  return new Tensor(name, shape, unpackStrings(bytes, count));
}

function tensorToNative(index: number, { dtype, shape, data }: Tensor): NativeTensor {
  const bytes = data instanceof Uint8Array ? data : packStrings(data);
  return { index, dtype: dtypes[dtype].onnx, shape, bytes };
}

function specToNative({ name, dtype, shape, dims }: TensorSpec): NativeValueSpec {
  const names = (shape ?? []).map((_, axis) => dims?.[axis] ?? '');
  return { name, dtype: dtypes[dtype].onnx, shape, dims: names };
}

function specFromNative({ name, dtype, shape, dims }: NativeValueSpec): TensorSpec {
  const spec = { name, dtype: dtypeFromOnnx(dtype) as Dtype, shape };
  if (!dims.some((dim) => dim !== '')) return spec;
  return { ...spec, dims: dims.map((dim) => (dim === '' ? null : dim)) };
}

function toNative(options: EngineModelOptions): NativeModelOptions {
  const priority = channelLayout().priorities[options.priority];
  const { sequences, partOf = 0 } = options;
  if (sequences === undefined) return { ...options, priority, partOf, sequences: null };
  const states = sequences.states.map(({ input, output, shape = null, initial = 0 }) => {
    return { input, output, shape, initial };
  });
  return { ...options, priority, partOf, sequences: { ...sequences, states } };
}

function toMlosError(thrown: unknown): Error {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (thrown instanceof MlosError || !isErrorCode(code)) return thrown as Error;
  return new MlosError(code, message, { cause: thrown });
}

async function settled(add: () => Promise<NativeAddedModel>): Promise<AddedModel> {
  try {
    const { handle, signature, runner, measures } = await add();
    const inputs = signature.inputs.map(specFromNative);
    const outputs = signature.outputs.map(specFromNative);
    return { handle, signature: { inputs, outputs }, runner, measures };
  } catch (thrown) {
    throw toMlosError(thrown);
  }
}
