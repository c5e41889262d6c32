import { limits } from '../../protocol/limits.ts';
import { sequenceMark } from '../../protocol/sequence.ts';
import { checkOutputNames } from '../../protocol/signature-inputs.ts';
import type { Signature } from '../../protocol/tensor.ts';
import type { InferInput } from '../tensor-wire.ts';
import { ask, askSync, deadlineAfter } from './ask.ts';
import type { AttachFacts, Priority } from './attach-facts.ts';
import {
  AttachedRequest,
  type RequestContext,
  type RequestOptions,
  type SyncOptions,
} from './attached-request.ts';
import type { InferenceAnswer } from './attached-result.ts';
import { Attachment } from './attachment.ts';
import { ChannelRequest } from './channel-request.ts';
import { checkAttachOptions, requireInputs, requireNames } from './check-options.ts';
import type { Connector } from './connector.ts';
import { readTensors } from './input-tensors.ts';
import { IdleRequests, OneCall } from './one-call.ts';
import { type InputShape, slotsOf } from './request-slots.ts';

export interface AttachOptions {
  /** Shared memory for the inputs and outputs of all requests under way; by the signature if left out. */
  readonly inputBytes?: number;
  readonly outputBytes?: number;
  /** What each of the two may grow to where something does not fit. Default 1 GiB. */
  readonly maxArenaBytes?: number;
  /** The most urgent priority that the requests get. Default: that of the model. */
  readonly priority?: Priority;
  /** Of the attaching (loading included; default: no bound) and of calls that name none (60 s). */
  readonly timeoutMs?: number;
  /** The longest busy wait, in microseconds. Default: what the daemon says; 0: never. */
  readonly spinUs?: number;
  /** Gives up attaching. */
  readonly signal?: AbortSignal;
}

export interface RequestChoice {
  /** Names of the outputs wanted; all when left out. */
  readonly outputs?: readonly string[];
  readonly priority?: Priority;
}

export type { SequenceChoice } from '../../protocol/sequence.ts';

export interface ModelSyncOptions extends SyncOptions, RequestChoice {}

/**
 * A model whose host is joined with this process by shared memory: requests touch neither the daemon
 * nor any serialiser. When its host or the daemon is restarted it is attached again by itself.
 */
export class AttachedModel implements Disposable {
  readonly #attachment: Attachment;
  readonly #idle: IdleRequests;
  readonly #context: RequestContext;
  readonly #timeoutMs: number;
  readonly #onClose: (model: AttachedModel) => void;
  #facts: AttachFacts;

  private constructor(
    parts: { readonly attachment: Attachment; readonly idle: IdleRequests; facts: AttachFacts },
    options: AttachOptions,
    onClose: (model: AttachedModel) => void,
  ) {
    this.#attachment = parts.attachment;
    this.#idle = parts.idle;
    this.#facts = parts.facts;
    this.#timeoutMs = options.timeoutMs ?? limits.inferenceDefaultMs;
    this.#onClose = onClose;
    this.#context = {
      attachment: parts.attachment,
      signature: parts.facts.signature,
      timeoutMs: this.#timeoutMs,
      outputIndices: (names) => this.#outputIndices(names),
    };
  }

  /** Errors: those of models.attach; FAILED_PRECONDITION where no daemon listens. */
  static async attach(
    where: { readonly connector: Connector; readonly modelId: string },
    options: AttachOptions,
    onClose: (model: AttachedModel) => void,
  ): Promise<AttachedModel> {
    checkAttachOptions(options);
    const { inputBytes, outputBytes, priority, timeoutMs = Number.POSITIVE_INFINITY } = options;
    const idle = new IdleRequests();
    const attachment = new Attachment({
      connector: where.connector,
      params: {
        model_id: where.modelId,
        ...(inputBytes === undefined ? {} : { input_bytes: inputBytes }),
        ...(outputBytes === undefined ? {} : { output_bytes: outputBytes }),
        ...(priority === undefined ? {} : { priority }),
      },
      maxArenaBytes: options.maxArenaBytes ?? limits.arenaGrowthBytes,
      onScarce: () => idle.freeAll(),
    });
    const deadlineMs = deadlineAfter(timeoutMs);
    const { facts } = await attachment.attach({ deadlineMs, signal: options.signal });
    return new AttachedModel({ attachment, idle, facts }, options, onClose);
  }

  get modelId(): string {
    return this.#facts.modelId;
  }

  /** sha256 of the model file. */
  get modelVersion(): string {
    return this.#facts.modelVersion;
  }

  get signature(): Signature {
    return this.#facts.signature;
  }

  /** Whether requests go out at once; false while the model is being attached again. */
  get attached(): boolean {
    return this.#attachment.link?.open === true;
  }

  get closed(): boolean {
    return this.#attachment.closed !== null;
  }

  /**
   * A request to be filled in place and run many times. Shapes may be left out where the model takes
   * only one. Several requests can be under way at once.
   * Errors: UNKNOWN_INPUT, MISSING_INPUT, INVALID_SHAPE, INVALID_DTYPE, PAYLOAD_TOO_LARGE.
   */
  async request(
    shapes: Readonly<Record<string, InputShape>> = {},
    choice: RequestChoice = {},
  ): Promise<AttachedRequest> {
    const request = new ChannelRequest({
      slots: slotsOf(this.modelId, this.signature, shapes),
      outputs: this.#outputIndices(choice.outputs),
      priority: choice.priority,
    });
    await this.#place(request, deadlineAfter(this.#timeoutMs));
    return new AttachedRequest(this.#context, request);
  }

  /** Runs the model once: inputs are copied in and outputs out, so there is nothing to release. */
  infer(
    inputs: Readonly<Record<string, InferInput>>,
    options: RequestOptions = {},
  ): Promise<InferenceAnswer> {
    try {
      const call = this.#oneCall(inputs, options);
      return ask(this.#attachment, call, this.#timeoutMs, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same, blocking the thread: no event, no promise. */
  inferSync(
    inputs: Readonly<Record<string, InferInput>>,
    options: ModelSyncOptions = {},
  ): InferenceAnswer {
    const call = this.#oneCall(inputs, options);
    return askSync(this.#attachment, call, options.timeoutMs ?? this.#timeoutMs);
  }

  /** Calls under way are CANCELLED, later ones FAILED_PRECONDITION; every view is detached. Idempotent. */
  close(): void {
    if (this.closed) return;
    this.#idle.freeAll();
    this.#attachment.close(`The model ${this.modelId} has been closed.`);
    this.#onClose(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Finds a place for a request; where there is none, a larger channel has one. */
  async #place(request: ChannelRequest, deadlineMs: number): Promise<void> {
    for (;;) {
      const link = await this.#attachment.linkFor(request.shape, deadlineMs);
      if (request.bind(link)) return;
      if (this.#attachment.makeRoom() && request.bind(link)) return;
      this.#attachment.outgrowInputs(link, request.shape);
    }
  }

  #oneCall(
    inputs: Readonly<Record<string, InferInput>>,
    choice: RequestChoice & Pick<SyncOptions, 'sequence'>,
  ): OneCall {
    if (this.#attachment.closed !== null) throw this.#attachment.closed;
    requireInputs(inputs);
    const tensors = readTensors(this.modelId, this.signature, inputs);
    const outputs = this.#outputIndices(choice.outputs);
    const { priority, sequence: chosen } = choice;
    const sequence = chosen === undefined ? null : sequenceMark(chosen);
    return new OneCall(tensors, { outputs, priority, sequence }, this.#idle);
  }

  #outputIndices(names: readonly string[] | undefined): readonly number[] | undefined {
    if (names === undefined) return undefined;
    requireNames(names);
    checkOutputNames(this.modelId, names, this.signature);
    const all = this.signature.outputs.map((spec) => spec.name);
    return [...new Set(names.map((name) => all.indexOf(name)))].sort((a, b) => a - b);
  }
}
