import { connect as connectSocket, type Socket } from 'node:net';
import { MlosError } from '../protocol/errors.ts';
import { FrameReader, frame } from '../protocol/frame.ts';
import { limits } from '../protocol/limits.ts';
import type { MethodName, Params, Result } from '../protocol/method-table.ts';
import { decodeMsgpack, encodeMsgpack } from '../protocol/msgpack.ts';
import { defaultSocketPath, socketPathVariable } from '../protocol/socket-path.ts';
import { type GenerationEvent, readGenerationEvent } from '../protocol/tasks/generation-event.ts';
import type { Tensor } from '../protocol/tensor.ts';
import type { Priority } from './attached/attach-facts.ts';
import type { AttachedModel, AttachOptions, SequenceChoice } from './attached/attached-model.ts';
import { connectError, lostError } from './connection-error.ts';
import { type PendingCall, PendingCalls } from './pending-calls.ts';
import { type InferInput, inputToWire, outputsFromWire } from './tensor-wire.ts';

export type { GenerationEvent, TokenLogprob } from '../protocol/tasks/generation-event.ts';
export type {
  AttachedModel,
  AttachOptions,
  ModelSyncOptions,
  RequestChoice,
  SequenceChoice,
} from './attached/attached-model.ts';
export type { AttachedRequest, RequestOptions, SyncOptions } from './attached/attached-request.ts';
export type { AttachedResult, InferenceAnswer, OutputTensor } from './attached/attached-result.ts';
export type { InputShape } from './attached/request-slots.ts';

/**
 * A client of the daemon's IPC socket. Calls may overlap; answers find their calls by id. One
 * connection per client: when it is gone every call under way is rejected, and so is every later one.
 */
export interface ConnectOptions {
  /** Default: MLOS_API_IPC_SOCKET_PATH, else where a daemon listens that nobody told otherwise. */
  readonly socketPath?: string;
  readonly maxFrameBytes?: number;
}

const deadlineSlackMs = 1_000;
const closedText = 'The client has been closed.';

export interface CallOptions {
  /** Gives up waiting with CANCELLED. The daemon is told, and ends what can be ended. */
  readonly signal?: AbortSignal;
  /** The same after this time, with DEADLINE_EXCEEDED. */
  readonly timeoutMs?: number;
  /** Is told what a task says before its answer: the text that was written since the last event. */
  readonly onEvent?: (event: GenerationEvent) => void;
}

export interface InferOptions extends CallOptions {
  /** Names of the outputs wanted; all when left out. */
  readonly outputs?: readonly string[];
  /** Makes the request less urgent than its model. */
  readonly priority?: Priority;
  /** Which sequence it belongs to, for a model that keeps a state from request to request. */
  readonly sequence?: SequenceChoice;
  /** Which of the model's tasks; the inputs are that task's. */
  readonly task?: string;
  /** Of the task. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export type InferAnswer = Omit<
  Result<'models.infer'>,
  'outputs' | 'output_shapes' | 'output_dtypes'
> & { readonly outputs: Record<string, Tensor> };

/** Connects. Throws FAILED_PRECONDITION where no daemon listens, PERMISSION_DENIED where it may not. */
export function connect(options: ConnectOptions = {}): Promise<Client> {
  const { maxFrameBytes = limits.ipcFrameBytes } = options;
  const socketPath = options.socketPath ?? (process.env[socketPathVariable] || defaultSocketPath);
  return new Promise((resolve, reject) => {
    const socket = connectSocket(socketPath);
    const onError = (error: Error) => reject(connectError(error, socketPath));
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      resolve(new Client(socket, { where: socketPath, maxFrameBytes }));
    });
  });
}

export class Client implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #where: string;
  readonly #pending = new PendingCalls();
  readonly #maxFrameBytes: number;
  readonly #models = new Set<AttachedModel>();
  #lastId = 0;
  #isClosed = false;
  /** Why no further call can be made, once there is a reason. */
  #over: MlosError | null = null;

  constructor(socket: Socket, facts: { readonly where: string; readonly maxFrameBytes: number }) {
    this.#socket = socket;
    this.#where = facts.where;
    this.#maxFrameBytes = facts.maxFrameBytes;
    const reader = new FrameReader({
      maxBytes: facts.maxFrameBytes,
      onFrame: (payload) => this.#onAnswer(payload),
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.#end(MlosError.from(error));
      }
    });
    socket.on('error', (error) => this.#end(lostError(this.#where, error)));
    socket.on('end', () => this.#end(lostError(this.#where)));
    socket.on('close', () => this.#end(lostError(this.#where)));
  }

  /** Calls an operation. Rejects with the MlosError that the daemon answered. */
  call<N extends MethodName>(
    method: N,
    params: Params<N>,
    options: CallOptions = {},
  ): Promise<Result<N>> {
    return this.#request(method, params, options) as Promise<Result<N>>;
  }

  /** Runs a model. Tensors go and come as raw bytes; what a task answers is `result`. */
  async infer(
    modelId: string,
    inputs: Readonly<Record<string, InferInput>>,
    options: InferOptions = {},
  ): Promise<InferAnswer> {
    // fromEntries makes own properties: a name such as `__proto__` is a name like any other.
    const entries = Object.entries(inputs).map(([name, input]) => [name, inputToWire(input)]);
    const params = {
      model_id: modelId,
      inputs: Object.fromEntries(entries) as Record<string, unknown>,
      ...(options.outputs === undefined ? {} : { outputs: options.outputs }),
      ...(options.timeoutMs === undefined ? {} : { timeout_ms: options.timeoutMs }),
      ...(options.priority === undefined ? {} : { priority: options.priority }),
      ...(options.sequence === undefined ? {} : { sequence: { ...options.sequence } }),
      ...(options.task === undefined ? {} : { task: options.task }),
      ...(options.parameters === undefined ? {} : { parameters: options.parameters }),
    };
    // The daemon keeps the deadline; here it is only the net below, for a daemon that hangs.
    const wait =
      options.timeoutMs === undefined
        ? options
        : { ...options, timeoutMs: options.timeoutMs + deadlineSlackMs };
    const answer = (await this.#request('models.infer', params, wait)) as Result<'models.infer'>;
    const { outputs = {}, output_dtypes = {}, output_shapes = {}, ...facts } = answer;
    return { ...facts, outputs: outputsFromWire(outputs, output_dtypes, output_shapes) };
  }

  /**
   * Joins this process with the model's host by shared memory; the model is loaded if it is not. The
   * model attaches over connections of its own, so it outlives a restart of the daemon.
   * Errors: those of models.attach; FAILED_PRECONDITION where no daemon listens; NATIVE_UNAVAILABLE
   * (a NativeError) where the addon cannot be loaded.
   */
  async attach(modelId: string, options: AttachOptions = {}): Promise<AttachedModel> {
    this.#requireOpen();
    // Loaded here, so that whoever does not attach never loads the addon.
    const attached = await import('./attached/attached-model.ts');
    const { socketConnector } = await import('./attached/connector.ts');
    const where = { connector: socketConnector(this.#where, options.spinUs), modelId };
    const model = await attached.AttachedModel.attach(where, options, (closed) =>
      this.#models.delete(closed),
    );
    if (this.#isClosed) {
      model.close();
      throw new MlosError('CANCELLED', closedText);
    }
    this.#models.add(model);
    return model;
  }

  /**
   * Closes the connection and the attached models. Calls under way are CANCELLED, later ones
   * FAILED_PRECONDITION. Idempotent.
   */
  close(): Promise<void> {
    this.#isClosed = true;
    for (const model of this.#models) model.close();
    this.#end(new MlosError('CANCELLED', closedText));
    return new Promise((resolve) => {
      if (this.#socket.closed) resolve();
      else this.#socket.once('close', () => resolve());
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new MlosError('FAILED_PRECONDITION', closedText);
  }

  #request(method: string, params: unknown, options: CallOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#requireOpen();
      if (this.#over !== null) throw this.#over;
      const id = ++this.#lastId;
      const { onEvent } = options;
      const request = [id, method, params];
      const payload = encodeMsgpack(onEvent === undefined ? request : [...request, 'events']);
      if (payload.byteLength > this.#maxFrameBytes) {
        throw new MlosError(
          'PAYLOAD_TOO_LARGE',
          `The request has ${payload.byteLength} bytes; the limit is ${this.#maxFrameBytes}.`,
        );
      }
      const listener =
        onEvent === undefined
          ? null
          : (event: object) => onEvent(readGenerationEvent({ ...event }));
      const call: PendingCall = { resolve, reject, onEvent: listener, release: null };
      const onGivenUp = () => this.#socket.write(frame(encodeMsgpack([id, null])));
      this.#pending.add(id, call, { method, ...options, onGivenUp });
      this.#socket.write(frame(payload));
    });
  }

  #onAnswer(payload: Buffer): void {
    const answer = decodeMsgpack(payload);
    if (!Array.isArray(answer) || answer.length !== 3) {
      throw new MlosError('INVALID_FRAME', 'The daemon sent a frame that is no answer.');
    }
    const [id, error, result] = answer as [unknown, unknown, unknown];
    // Without an id the error is about the connection, which the daemon closes.
    if (id === null) throw MlosError.fromWire(error);
    if (error === 'event') {
      if (typeof result === 'object' && result !== null)
        this.#pending.get(id)?.onEvent?.({ ...result });
      return;
    }
    const call = this.#pending.take(id);
    if (call === null) return; // Nobody waits any longer.
    if (error === null) call.resolve(result);
    else call.reject(MlosError.fromWire(error));
  }

  #end(reason: MlosError): void {
    if (this.#over !== null) return;
    this.#over = reason;
    this.#socket.destroy();
    this.#pending.rejectAll(reason);
  }
}
