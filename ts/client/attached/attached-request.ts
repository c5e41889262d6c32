import type { Answer } from '../../native/client-channel.ts';
import type { Dtype } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { type SequenceChoice, sequenceMark } from '../../protocol/sequence.ts';
import type { Signature } from '../../protocol/tensor.ts';
import { type TypedElements, typedElements } from '../../protocol/tensor-elements.ts';
import { ask, askSync } from './ask.ts';
import type { Priority } from './attach-facts.ts';
import { AttachedResult } from './attached-result.ts';
import type { Attachment } from './attachment.ts';
import type { CallOptions, Job } from './call.ts';
import { ChannelRequest, type RequestShape } from './channel-request.ts';
import { copyBytes } from './copy-bytes.ts';
import type { Link } from './link.ts';

export interface RequestOptions extends CallOptions {
  /** Another choice than the request's own costs a copy of its inputs. */
  readonly outputs?: readonly string[];
  readonly priority?: Priority;
  readonly sequence?: SequenceChoice;
}

export interface SyncOptions {
  /** Which sequence the call belongs to, for a model that keeps a state from request to request. */
  readonly sequence?: SequenceChoice;
  /** Gives up after this time with DEADLINE_EXCEEDED. */
  readonly timeoutMs?: number;
}

/** What a request needs to know of its model. */
export interface RequestContext {
  readonly attachment: Attachment;
  readonly signature: Signature;
  readonly timeoutMs: number;
  outputIndices(names: readonly string[] | undefined): readonly number[] | undefined;
}

const noOptions: RequestOptions = {};
/** Places in links' memory that nobody refers to any more. */
const forgotten = new FinalizationRegistry<ChannelRequest>((request) => request.free());

/** Calls of one request, one after the other. */
class PlaceJob implements Job {
  readonly #request: ChannelRequest;
  /** Its views are other ones now. Also keeps the request's owner alive while a call is under way. */
  readonly #onMoved: () => void;
  #isAsked = false;
  #isClosed = false;

  constructor(request: ChannelRequest, onMoved: () => void) {
    this.#request = request;
    this.#onMoved = onMoved;
  }

  get shape(): RequestShape {
    return this.#request.shape;
  }

  get inSequence(): boolean {
    return this.#request.sequence !== null;
  }

  begin(sequence: SequenceChoice | undefined): void {
    if (this.#isAsked) {
      throw new MlosError(
        'FAILED_PRECONDITION',
        'The request is not answered yet; make another one to ask twice at once.',
      );
    }
    this.#request.setSequence(sequence === undefined ? null : sequenceMark(sequence));
    this.#isAsked = true;
  }

  requestOn(link: Link): ChannelRequest | null {
    const request = this.#request;
    if (request.link === link) return request;
    if (!request.bind(link)) return null;
    this.#onMoved();
    return request;
  }

  take(answer: Answer, link: Link): AttachedResult {
    return new AttachedResult(answer, link);
  }

  /** The inputs are the request's own. */
  keep(): void {}

  leave(): void {
    this.#request.leave();
    this.#onMoved();
  }

  done(): void {
    this.#isAsked = false;
    if (this.#isClosed) this.#request.free();
  }

  /** The request is for one call only. */
  endWithCall(): void {
    this.#isClosed = true;
  }

  close(): void {
    this.#isClosed = true;
    if (!this.#isAsked) this.#request.free();
  }
}

/**
 * A request whose inputs are written where the model reads them, as often as one likes, one call at
 * a time.
 *
 * `inputs` are views of shared memory. They are other ones, with the same contents, after a call was
 * given up and after the model was attached again: read them from the request before each writing,
 * and keep none.
 */
export class AttachedRequest implements Disposable {
  readonly #context: RequestContext;
  readonly #request: ChannelRequest;
  readonly #job: PlaceJob;
  #inputs: Readonly<Record<string, TypedElements>> | null = null;
  #closed = false;

  /** `request` is bound. */
  constructor(context: RequestContext, request: ChannelRequest) {
    this.#context = context;
    this.#request = request;
    this.#job = new PlaceJob(request, () => {
      this.#inputs = null;
    });
    forgotten.register(this, request, this);
  }

  /** By name: the typed array of the input's dtype, row-major. */
  get inputs(): Readonly<Record<string, TypedElements>> {
    this.#requireUsable();
    this.#inputs ??= this.#views();
    return this.#inputs;
  }

  /** Dtype and shape of each input. */
  get shapes(): Readonly<
    Record<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>
  > {
    const { inputs } = this.#context.signature;
    return Object.fromEntries(
      this.#request.shape.slots.map(({ index, dtype, shape }) => [
        inputs[index]?.name ?? '',
        { dtype, shape },
      ]),
    );
  }

  /**
   * Runs the model. The inputs must stay as they are until the answer is there; another call before
   * that is FAILED_PRECONDITION.
   */
  infer(options: RequestOptions = noOptions): Promise<AttachedResult> {
    let job: PlaceJob;
    try {
      this.#requireUsable();
      job = options === noOptions ? this.#job : this.#jobFor(options);
      job.begin(options.sequence);
    } catch (error) {
      return Promise.reject(error);
    }
    return ask(this.#context.attachment, job, this.#context.timeoutMs, options);
  }

  /** The same, blocking the thread. */
  inferSync(options: SyncOptions = noOptions): AttachedResult {
    this.#requireUsable();
    this.#job.begin(options.sequence);
    const { attachment, timeoutMs } = this.#context;
    return askSync(attachment, this.#job, options.timeoutMs ?? timeoutMs);
  }

  /** Gives its memory back; a call under way is still answered. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inputs = null;
    forgotten.unregister(this);
    this.#job.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #views(): Readonly<Record<string, TypedElements>> {
    const { inputs } = this.#context.signature;
    const { views } = this.#request;
    return Object.fromEntries(
      this.#request.shape.slots.map(({ index, dtype }, i) => [
        inputs[index]?.name ?? '',
        typedElements(dtype as Exclude<Dtype, 'string'>, views[i] as Uint8Array),
      ]),
    );
  }

  #jobFor(options: RequestOptions): PlaceJob {
    if (options.outputs === undefined && options.priority === undefined) return this.#job;
    const { shape, views } = this.#request;
    const outputs = this.#context.outputIndices(options.outputs) ?? shape.outputs;
    const priority = options.priority ?? shape.priority;
    const contents = views.map(copyBytes);
    const request = new ChannelRequest({ slots: shape.slots, outputs, priority }, contents);
    const job = new PlaceJob(request, () => undefined);
    job.endWithCall();
    return job;
  }

  #requireUsable(): void {
    const { closed } = this.#context.attachment;
    if (closed !== null) throw closed;
    if (this.#closed) throw new MlosError('FAILED_PRECONDITION', 'The request is closed.');
  }
}
