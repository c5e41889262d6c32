import type { Answer, TensorSlot } from '../../native/client-channel.ts';
import { packStrings } from '../../native/packed-strings.ts';
import type { SequenceMark } from '../../protocol/sequence.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Priority } from './attach-facts.ts';
import { copyAnswer } from './attached-result.ts';
import type { Job } from './call.ts';
import { ChannelRequest, type RequestShape } from './channel-request.ts';
import { copyBytes } from './copy-bytes.ts';
import type { Link } from './link.ts';

/** Requests kept for the next call of the same shape. */
const maxIdle = 256;

/** Requests of the one-call form that wait in their link's memory to be used again. */
export class IdleRequests {
  #idle: ChannelRequest[] = [];

  /** One of this shape on this link, or null. The last one given is the first one taken. */
  take(link: Link, shape: RequestShape): ChannelRequest | null {
    for (let i = this.#idle.length - 1; i >= 0; i--) {
      const request = this.#idle[i] as ChannelRequest;
      if (request.link !== link) {
        // Its link was replaced. What lies there keeps it from ending.
        this.#remove(i);
        request.free();
      } else if (isSame(request.shape, shape)) {
        this.#remove(i);
        return request;
      }
    }
    return null;
  }

  give(request: ChannelRequest): void {
    if (request.link === null) return;
    if (!request.link.open || this.#idle.length >= maxIdle) request.free();
    else this.#idle.push(request);
  }

  /** False: there was none. */
  freeAll(): boolean {
    if (this.#idle.length === 0) return false;
    for (const request of this.#idle) request.free();
    this.#idle = [];
    return true;
  }

  #remove(index: number): void {
    const last = this.#idle.pop() as ChannelRequest;
    if (index < this.#idle.length) this.#idle[index] = last;
  }
}

function isSameList(a: readonly number[] | undefined, b: readonly number[] | undefined): boolean {
  if (a === b) return true;
  return a?.length === b?.length && a?.every((value, i) => value === b?.[i]) === true;
}

function isSame(a: RequestShape, b: RequestShape): boolean {
  if (a.priority !== b.priority || !isSameList(a.outputs, b.outputs)) return false;
  for (let i = 0; i < a.slots.length; i++) {
    const [one, other] = [a.slots[i], b.slots[i]];
    if (one?.byteLength !== other?.byteLength || !isSameList(one?.shape, other?.shape))
      return false;
  }
  return true;
}

export interface OneCallOptions {
  readonly outputs: readonly number[] | undefined;
  readonly priority: Priority | undefined;
  readonly sequence: SequenceMark | null;
}

/** The one-call form: tensors are copied in, outputs are copied out. */
export class OneCall implements Job {
  readonly shape: RequestShape;
  readonly #idle: IdleRequests;
  readonly #sequence: SequenceMark | null;
  #contents: readonly Uint8Array[];
  #request: ChannelRequest | null = null;

  /** `tensors` in the order of the signature. */
  constructor(tensors: readonly Tensor[], options: OneCallOptions, idle: IdleRequests) {
    const contents = tensors.map(bytesOf);
    const slots = tensors.map(({ dtype, shape }, index): TensorSlot => {
      return { index, dtype, shape, byteLength: contents[index]?.byteLength ?? 0 };
    });
    const { outputs, priority, sequence } = options;
    this.shape = { slots, outputs, priority };
    this.#sequence = sequence;
    this.#contents = contents;
    this.#idle = idle;
  }

  get inSequence(): boolean {
    return this.#sequence !== null;
  }

  requestOn(link: Link): ChannelRequest | null {
    if (this.#request === null) {
      this.#request = this.#taken(link) ?? new ChannelRequest(this.shape, this.#contents);
      this.#request.setSequence(this.#sequence);
    }
    return this.#request.bind(link) ? this.#request : null;
  }

  take(answer: Answer, link: Link): unknown {
    try {
      return copyAnswer(answer, link.facts.signature);
    } finally {
      answer.release();
    }
  }

  keep(): void {
    // The caller may write to its arrays as soon as its call has returned.
    if (this.#request?.link != null) return;
    this.#request = null;
    this.#contents = this.#contents.map(copyBytes);
  }

  leave(): void {
    this.#request?.free();
    this.#request = null;
  }

  done(): void {
    if (this.#request !== null) this.#idle.give(this.#request);
    this.#request = null;
  }

  #taken(link: Link): ChannelRequest | null {
    const request = this.#idle.take(link, this.shape);
    if (request === null) return null;
    for (let i = 0; i < this.#contents.length; i++) {
      request.views[i]?.set(this.#contents[i] as Uint8Array);
    }
    return request;
  }
}

function bytesOf(tensor: Tensor): Uint8Array {
  return tensor.data instanceof Uint8Array ? tensor.data : packStrings(tensor.data);
}
