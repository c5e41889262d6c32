import type { PreparedRequest, TensorSlot } from '../../native/client-channel.ts';
import type { SequenceMark } from '../../protocol/sequence.ts';
import type { Priority } from './attach-facts.ts';
import { copyBytes } from './copy-bytes.ts';
import type { Link } from './link.ts';

export interface RequestShape {
  readonly slots: readonly TensorSlot[];
  /** Indices of the outputs wanted; undefined: all. */
  readonly outputs: readonly number[] | undefined;
  readonly priority: Priority | undefined;
}

/** Bytes of a slot in the arena: blocks and tensors begin at multiples of this. */
const alignment = 64;
/** More than any descriptor of one tensor takes, or of the request itself beside its sequence. */
const descriptorBytes = 256;

/** What an arena must have room for, somewhat more than exactly. */
export function bytesOfSlots(slots: readonly TensorSlot[]): number {
  let bytes = descriptorBytes;
  for (const slot of slots) bytes += descriptorBytes + slot.byteLength + alignment;
  return bytes;
}

/**
 * A request's place in the memory of one link. When the link has gone it moves to the next one with
 * its contents: the old memory stays as long as a request or a result lies in it.
 */
export class ChannelRequest {
  readonly shape: RequestShape;
  /** Sent, and neither answered nor given up. */
  isUnderWay = false;
  #link: Link | null = null;
  #prepared: PreparedRequest | null = null;
  #views: readonly Uint8Array[];
  #sequence: SequenceMark | null = null;

  /** `contents`: what to write into its place; they are read when it has one. */
  constructor(shape: RequestShape, contents: readonly Uint8Array[] = []) {
    this.shape = shape;
    this.#views = contents;
  }

  get link(): Link | null {
    return this.#link;
  }

  /** The bytes of the inputs: in the link's memory, or in private memory while it has no place there. */
  get views(): readonly Uint8Array[] {
    return this.#views;
  }

  /** There once bound. */
  get prepared(): PreparedRequest {
    if (this.#prepared === null) throw new TypeError('The request is not bound.');
    return this.#prepared;
  }

  get sequence(): SequenceMark | null {
    return this.#sequence;
  }

  /** Which sequence its calls belong to from now on. Not while it is under way. */
  setSequence(sequence: SequenceMark | null): void {
    if (sequence === null && this.#sequence === null) return;
    this.#sequence = sequence;
    this.#prepared?.setSequence(sequence);
  }

  /** Takes its place in the link's memory. False: there is no room now, and it stays where it was. */
  bind(link: Link): boolean {
    if (this.#link === link) return true;
    const { slots, outputs, priority } = this.shape;
    const prepared = link.channel.prepare(slots, {
      ...(outputs === undefined ? {} : { outputs }),
      ...(priority === undefined ? {} : { priority }),
    });
    if (prepared === null) return false;
    if (this.#sequence !== null) prepared.setSequence(this.#sequence);
    const contents = this.#views;
    for (let i = 0; i < contents.length; i++) {
      prepared.inputs[i]?.set(contents[i] as Uint8Array);
    }
    this.#giveBack();
    this.#prepared = prepared;
    this.#views = prepared.inputs;
    this.#link = link;
    link.hold();
    return true;
  }

  /** Leaves its place to a host that may still be reading it, and takes its contents along. */
  leave(): void {
    if (this.#link === null) return;
    this.#views = this.#views.map(copyBytes);
    this.#giveBack();
    this.isUnderWay = false;
  }

  /** Gives its place back, contents and all. Idempotent. */
  free(): void {
    this.#views = [];
    this.#giveBack();
  }

  #giveBack(): void {
    const [link, prepared] = [this.#link, this.#prepared];
    this.#link = null;
    this.#prepared = null;
    if (link === null) return;
    // The channel keeps the block until its request is answered.
    if (!link.ended) prepared?.free();
    link.letGo();
  }
}
