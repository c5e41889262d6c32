import type { Priority, TensorSlot } from '../../../native/client-channel.ts';
import { packStrings } from '../../../native/packed-strings.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { SequenceMark } from '../../../protocol/sequence.ts';
import type { Signature, Tensor } from '../../../protocol/tensor.ts';
import type { InferenceRequest } from '../host-jobs.ts';
import { blockBytes, likelyAnswerBytes } from './arena-sizes.ts';

/** A request in the terms of a channel: positions in the signature instead of names. */
export interface PackedRequest {
  readonly slots: readonly TensorSlot[];
  /** Elements of each slot; strings packed. */
  readonly bytes: readonly Uint8Array[];
  /** Positions of the outputs wanted; empty: all. */
  readonly outputs: readonly number[];
  /** Undefined: the model's. */
  readonly priority: Priority | undefined;
  readonly sequence: SequenceMark | null;
  /** Requests with one key can use one another's prepared block. */
  readonly key: string;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

function elementsOf({ data }: Tensor): Uint8Array {
  return data instanceof Uint8Array ? data : packStrings(data);
}

function unknown(what: 'input' | 'output', name: string): MlosError {
  return new MlosError('UNKNOWN_INPUT', `The model has no ${what} ${JSON.stringify(name)}.`);
}

/** Errors: MISSING_INPUT, UNKNOWN_INPUT. */
export function packRequest(signature: Signature, request: InferenceRequest): PackedRequest {
  const { inputs } = request;
  const slots: TensorSlot[] = [];
  const bytes: Uint8Array[] = [];
  let key = '';
  for (const [index, { name }] of signature.inputs.entries()) {
    const tensor = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (tensor === undefined) {
      throw new MlosError('MISSING_INPUT', `Input ${JSON.stringify(name)} is missing.`);
    }
    const elements = elementsOf(tensor);
    const { dtype, shape } = tensor;
    slots.push({ index, dtype, shape, byteLength: elements.byteLength });
    bytes.push(elements);
    key += `${dtype}[${shape.join()}]${dtype === 'string' ? elements.byteLength : ''};`;
  }
  const names = Object.keys(inputs);
  if (names.length > slots.length) {
    const known = new Set(signature.inputs.map(({ name }) => name));
    throw unknown('input', names.find((name) => !known.has(name)) ?? '');
  }
  const outputs = positions(signature, request.outputs ?? []);
  const lengths = bytes.map(({ byteLength }) => byteLength);
  const requestBytes = blockBytes(lengths);
  const { priority, sequence = null } = request;
  if (outputs.length > 0) key += outputs.join();
  if (priority !== undefined) key += priority;
  if (sequence !== null) key += '#';
  return {
    ...{ slots, bytes, outputs, priority, sequence, key, requestBytes },
    responseBytes: likelyAnswerBytes(signature, inputs, requestBytes),
  };
}

function positions(signature: Signature, names: readonly string[]): readonly number[] {
  const found = new Set<number>();
  for (const name of names) {
    const index = signature.outputs.findIndex((spec) => spec.name === name);
    if (index < 0) throw unknown('output', name);
    found.add(index);
  }
  return [...found].sort((a, b) => a - b);
}
