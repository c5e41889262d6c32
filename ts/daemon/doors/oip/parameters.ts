import { limits } from '../../../protocol/limits.ts';
import { type Priority, priorities } from '../../../protocol/priority.ts';
import { type SequenceMark, sequenceMark } from '../../../protocol/sequence.ts';
import { oipFail } from './status.ts';
import { shown } from './tensors.ts';
import type { OipParameter, OipParameters } from './types.ts';

/**
 * What the parameters of a request for inference ask for. Names of ours are checked; the others are
 * the caller's own and mean nothing here, except that `triton_…` is kept for the protocol itself.
 */
export interface InferOptions {
  readonly timeoutMs: number | null;
  /** No request is more urgent than its model. */
  readonly priority: Priority | null;
  readonly sequence: SequenceMark | null;
}

const plain: InferOptions = { timeoutMs: null, priority: null, sequence: null };
/** The protocol counts levels from 1, the most urgent; 0 is the model's own. */
const levels = [null, ...priorities] as const;

const reserved = new Set(['triton_enable_empty_final_response', 'triton_final_response']);

/** Errors: INVALID_ARGUMENT. */
export function inferOptions(parameters: OipParameters): InferOptions {
  if (parameters.size === 0) return plain;
  for (const name of parameters.keys()) {
    if (name.startsWith('triton_') && !reserved.has(name)) {
      oipFail(`The parameter ${shown(name)} is not known; names with "triton_" are reserved.`);
    }
  }
  const timeoutUs = whole(parameters, 'timeout', limits.inferenceMaxMs * 1000);
  return {
    timeoutMs: timeoutUs === 0 ? null : timeoutUs / 1000,
    priority: levels[whole(parameters, 'priority', priorities.length)] ?? null,
    sequence: sequenceOf(parameters),
  };
}

/** A number that must be whole; 0 where it is left out. */
function whole(parameters: OipParameters, name: string, max: number): number {
  const value = parameters.get(name);
  if (value === undefined) return 0;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0) {
    oipFail(`The parameter ${name} must be a whole number, 0 or more, not ${textOf(value)}.`);
  }
  return Math.min(number, max);
}

function sequenceOf(parameters: OipParameters): SequenceMark | null {
  const id = parameters.get('sequence_id');
  const start = flag(parameters, 'sequence_start');
  const end = flag(parameters, 'sequence_end');
  const isNone = id === undefined || id === 0 || id === 0n || id === '';
  if (isNone) {
    if (start || end) oipFail('sequence_start and sequence_end need a sequence_id.');
    return null;
  }
  const isId = typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint';
  const isCount = typeof id !== 'number' || (Number.isInteger(id) && id > 0);
  if (!isId || !isCount) {
    oipFail(`sequence_id must be a positive integer or a text, not ${textOf(id)}.`);
  }
  // A number of 64 bits is its decimal text, as every number is.
  return sequenceMark({ id: String(id), start, end });
}

export function flag(parameters: OipParameters, name: string): boolean {
  const value = parameters.get(name) ?? false;
  if (typeof value !== 'boolean') oipFail(`The parameter ${name} must be true or false.`);
  return value;
}

function textOf(value: OipParameter): string {
  return value instanceof Uint8Array ? 'bytes' : shown(String(value));
}
