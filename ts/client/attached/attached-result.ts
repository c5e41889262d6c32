import type { Answer, AnswerTensor } from '../../native/client-channel.ts';
import { unpackStrings } from '../../native/packed-strings.ts';
import type { Dtype } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { setOwn } from '../../protocol/own-property.ts';
import { elementCount, type Signature, Tensor, type TensorSpec } from '../../protocol/tensor.ts';
import { type TypedElements, typedElements } from '../../protocol/tensor-elements.ts';
import { copyBytes } from './copy-bytes.ts';
import type { Link } from './link.ts';

/** One output where it lies in shared memory. */
export interface OutputTensor {
  readonly dtype: Dtype;
  /** Row-major. */
  readonly shape: readonly number[];
  /**
   * The elements as a typed array: BigInt64Array for int64, Uint16Array of bit patterns for float16
   * and bfloat16, Uint8Array of 0 and 1 for bool; a list for strings (which is a copy).
   */
  readonly values: TypedElements | readonly string[];
  /** The same memory as bytes, little-endian; strings in their packed form. */
  readonly bytes: Uint8Array;
}

/** An answer that the caller owns: nothing in it is shared any more. */
export interface InferenceAnswer {
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Time in the queue and of the run, in microseconds, by the host's clock. */
  readonly queueUs: number;
  readonly runUs: number;
  /** How many requests ran together. */
  readonly batch: number;
}

/** The name of an answer's tensor; INTERNAL where the host sent one that the model does not have. */
function specOf(signature: Signature, tensor: AnswerTensor): TensorSpec {
  const spec = signature.outputs[tensor.index];
  if (spec !== undefined) return spec;
  throw new MlosError('INTERNAL', `The host answered output ${tensor.index}, which is none.`);
}

class SharedOutput implements OutputTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  readonly #elements: TypedElements | null;

  constructor({ dtype, shape, bytes }: AnswerTensor) {
    this.dtype = dtype;
    this.shape = shape;
    this.bytes = bytes;
    this.#elements = dtype === 'string' ? null : typedElements(dtype, bytes);
  }

  get values(): TypedElements | readonly string[] {
    return this.#elements ?? unpackStrings(this.bytes, elementCount(this.shape, 'output'));
  }
}

type Outputs = Readonly<Record<string, OutputTensor>>;

/** A channel shows the same tensors again where only their elements differ, and so does this. */
const shown = new WeakMap<readonly AnswerTensor[], Outputs>();

function outputsOf(tensors: readonly AnswerTensor[], signature: Signature): Outputs {
  const known = shown.get(tensors);
  if (known !== undefined) return known;
  const outputs: Record<string, OutputTensor> = {};
  for (const tensor of tensors) {
    setOwn(outputs, specOf(signature, tensor).name, new SharedOutput(tensor));
  }
  shown.set(tensors, Object.freeze(outputs));
  return outputs;
}

/** The outputs, copied. The answer is the caller's to release. */
export function copyAnswer(answer: Answer, signature: Signature): InferenceAnswer {
  const outputs: Record<string, Tensor> = {};
  for (const tensor of answer.outputs) {
    setOwn(outputs, specOf(signature, tensor).name, copied(tensor));
  }
  const { queueNs, runNs, batch } = answer;
  return { outputs, queueUs: queueNs / 1_000, runUs: runNs / 1_000, batch };
}

function copied({ dtype, shape, bytes }: AnswerTensor): Tensor {
  if (dtype === 'string') {
    return new Tensor(dtype, shape, unpackStrings(bytes, elementCount(shape, 'output')));
  }
  return new Tensor(dtype, shape, copyBytes(bytes));
}

/**
 * An answer whose outputs are read where the host wrote them. They stay until `release()`, which has
 * to be called: the memory is bounded, and a host that finds none left refuses requests. After it,
 * `outputs` throws; a view that was kept may show a later answer, so keep none. The views are private
 * in one direction: what is stored into them reaches nobody else.
 */
export class AttachedResult implements Disposable {
  readonly #answer: Answer;
  readonly #link: Link;
  #outputs: Outputs | null = null;
  #released = false;

  /** Takes over the answer. */
  constructor(answer: Answer, link: Link) {
    this.#answer = answer;
    this.#link = link;
    link.hold();
    watch(this);
  }

  /** By name. FAILED_PRECONDITION after release(). */
  get outputs(): Outputs {
    this.#requireHeld();
    this.#outputs ??= outputsOf(this.#answer.outputs, this.#link.facts.signature);
    return this.#outputs;
  }

  /** Time in the queue and of the run, in microseconds, by the host's clock. */
  get queueUs(): number {
    return this.#answer.queueNs / 1_000;
  }

  get runUs(): number {
    return this.#answer.runNs / 1_000;
  }

  /** How many requests ran together. */
  get batch(): number {
    return this.#answer.batch;
  }

  get released(): boolean {
    return this.#released;
  }

  /** A copy that needs no release. This one still does. */
  copy(): InferenceAnswer {
    this.#requireHeld();
    return copyAnswer(this.#answer, this.#link.facts.signature);
  }

  /** Gives the memory back. Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#outputs = null;
    unwatch(this);
    giveBack(this.#answer, this.#link);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** For the net below a forgotten release. */
  watchCollection(registry: FinalizationRegistry<() => void>): void {
    if (this.#released) return;
    const [answer, link] = [this.#answer, this.#link];
    registry.register(this, () => giveBack(answer, link), this);
  }

  #requireHeld(): void {
    if (this.#released) {
      throw new MlosError('FAILED_PRECONDITION', 'The result has been released.');
    }
    if (this.#link.ended) {
      throw new MlosError('FAILED_PRECONDITION', 'The model that answered is closed.');
    }
  }
}

function giveBack(answer: Answer, link: Link): void {
  if (!link.ended) answer.release();
  link.letGo();
}

/*
 * The net below a forgotten release. Registering costs as much as a small inference, and nearly every
 * result is released before the event loop turns: only those that outlive the turn are registered.
 */
const collected = new FinalizationRegistry<() => void>((release) => release());
const maxYoung = 64;
let young: AttachedResult[] = [];
let isTurnAwaited = false;

function registerYoung(): void {
  const grown = young;
  young = [];
  for (const result of grown) result.watchCollection(collected);
}

function watch(result: AttachedResult): void {
  if (!isTurnAwaited) {
    isTurnAwaited = true;
    setImmediate(() => {
      isTurnAwaited = false;
      registerYoung();
    });
  }
  young.push(result);
  if (young.length >= maxYoung) registerYoung();
}

function unwatch(result: AttachedResult): void {
  if (young.at(-1) === result) young.pop();
  else collected.unregister(result);
}
