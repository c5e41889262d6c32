import { Type } from 'typebox';
import { type Dtype, dtypeNames } from '../dtype.ts';
import { limits } from '../limits.ts';
import { type Priority, priorities } from '../priority.ts';

/** Pieces that several methods share. Integers of the contract are ≤ 2^53−1. */
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const ModelIdParam = Type.String({
  minLength: 1,
  maxLength: limits.modelIdLength,
  description:
    'namespace/name@version. In URLs three spellings work: hf-bert@latest, hf%2Fbert%40latest, hf/bert@latest.',
  examples: ['hf/bert-base-uncased@latest'],
});

export const OrdinalParam = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description:
    'Which registration of the name, for clients whose versions are integers; 0: the latest one. model_id is namespace/name then.',
});

export const PluginIdParam = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*(@[A-Za-z0-9][A-Za-z0-9.+_-]*)?$',
  description: 'name@version, or the name alone for its newest version.',
  examples: ['onnx', 'onnx@1.0.0'],
});

export const Text = Type.String({ maxLength: 4_096 });

export const Status = Type.Literal('success');

export const TensorSpecSchema = Type.Object({
  name: Type.String(),
  dtype: Type.Unsafe<Dtype>({ type: 'string', enum: [...dtypeNames] }),
  shape: Type.Union([Type.Array(Type.Integer({ minimum: -1 })), Type.Null()], {
    description: '-1 is a dynamic dimension; null: not even the rank is known.',
  }),
  dims: Type.Optional(
    Type.Array(Type.Union([Type.String(), Type.Null()]), {
      description: 'Names of the dynamic dimensions, null for the others.',
    }),
  ),
});

export const SignatureSchema = Type.Object({
  inputs: Type.Array(TensorSpecSchema),
  outputs: Type.Array(TensorSpecSchema),
});

export const modelStates = ['unloaded', 'loading', 'ready', 'draining', 'failed'] as const;
export type ModelState = (typeof modelStates)[number];

export const pluginStates = ['stopped', 'starting', 'ready', 'draining', 'crashed'] as const;
export type PluginState = (typeof pluginStates)[number];

export const ModelStateSchema = Type.Unsafe<ModelState>({
  type: 'string',
  enum: [...modelStates],
});
export const PluginStateSchema = Type.Unsafe<PluginState>({
  type: 'string',
  enum: [...pluginStates],
});

export type { Priority } from '../priority.ts';

export const PrioritySchema = Type.Unsafe<Priority>({ type: 'string', enum: [...priorities] });

/** What was asked of the kernel for a model's threads and memory, and what came of it. */
export const MeasureSchema = Type.Object({
  name: Type.String({ description: 'affinity, policy, nice, numa, mlock, huge_pages.' }),
  outcome: Type.String({ description: 'applied, not available, refused, not needed.' }),
  detail: Type.String({ description: 'What exactly, or why not.' }),
});
