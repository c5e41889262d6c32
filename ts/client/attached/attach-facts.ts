import type { Priority } from '../../native/client-channel.ts';
import { isDtype } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import type { Signature, TensorSpec } from '../../protocol/tensor.ts';

export type { Priority };

/** Parameters of models.attach. */
export interface AttachParams {
  readonly model_id: string;
  readonly input_bytes?: number;
  readonly output_bytes?: number;
  readonly priority?: Priority;
}

/** What models.attach answers. */
export interface AttachFacts {
  readonly channelId: number;
  readonly modelId: string;
  readonly modelVersion: string;
  readonly pluginId: string;
  readonly signature: Signature;
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** The most microseconds to busy-wait before sleeping; 0 on one-core hosts. */
  readonly spinUs: number;
}

function malformed(field: string): never {
  throw new MlosError('INTERNAL', `The daemon's answer to models.attach has no proper "${field}".`);
}

function integer(answer: Readonly<Record<string, unknown>>, field: string): number {
  const value = answer[field];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : malformed(field);
}

function text(answer: Readonly<Record<string, unknown>>, field: string): string {
  const value = answer[field];
  return typeof value === 'string' ? value : malformed(field);
}

function specs(list: unknown): TensorSpec[] {
  if (!Array.isArray(list)) return malformed('signature');
  for (const spec of list as Partial<TensorSpec>[]) {
    const shapeIsFine =
      spec.shape === null || (Array.isArray(spec.shape) && spec.shape.every(Number.isInteger));
    if (typeof spec.name !== 'string' || !isDtype(spec.dtype) || !shapeIsFine)
      malformed('signature');
  }
  return list as TensorSpec[];
}

/** Reads the answer; INTERNAL where it is none. */
export function readFacts(value: unknown): AttachFacts {
  if (typeof value !== 'object' || value === null) return malformed('status');
  const answer = value as Readonly<Record<string, unknown>>;
  const { inputs, outputs } = (answer['signature'] ?? {}) as Partial<Record<string, unknown>>;
  return {
    channelId: integer(answer, 'channel_id'),
    modelId: text(answer, 'model_id'),
    modelVersion: text(answer, 'model_version'),
    pluginId: text(answer, 'plugin_id'),
    signature: { inputs: specs(inputs), outputs: specs(outputs) },
    inputBytes: integer(answer, 'input_bytes'),
    outputBytes: integer(answer, 'output_bytes'),
    spinUs: integer(answer, 'spin_us'),
  };
}
