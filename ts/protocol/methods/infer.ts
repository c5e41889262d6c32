import { Type } from 'typebox';
import { limits } from '../limits.ts';
import {
  Count,
  ModelIdParam,
  OrdinalParam,
  type Priority,
  PrioritySchema,
  Status,
} from './shared-schemas.ts';

/** Which sequence of a stateful model a request belongs to. */
export const SequenceParam = Type.Object(
  {
    id: Type.Union(
      [
        Type.String({ minLength: 1, maxLength: limits.sequenceIdBytes }),
        Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      ],
      {
        description:
          'Your own choice: up to 128 bytes of UTF-8, or a number, which is the same as its decimal text.',
      },
    ),
    start: Type.Optional(
      Type.Boolean({ description: 'Begins at the initial state, whatever the state was.' }),
    ),
    end: Type.Optional(Type.Boolean({ description: 'Frees the state afterwards.' })),
  },
  {
    additionalProperties: false,
    description: 'For models that keep a state from request to request (docs/sequences.md).',
  },
);

/** Options beside the inputs; every other key of the request names an input. */
const inferOptions = {
  model_id: ModelIdParam,
  ordinal: Type.Optional(OrdinalParam),
  inputs: Type.Optional(
    Type.Record(Type.String({ maxLength: limits.tensorNameLength }), Type.Unknown(), {
      description:
        'Named inputs: a scalar, a flat or nested list, or {"dtype","shape","data"}; on the IPC socket data may be raw bytes, or "memfd" stand in its place (docs/ipc.md).',
    }),
  ),
  input: Type.Optional(
    Type.Unknown({
      description:
        "What the model's task reads: a text, a file in base64, or a list of them (docs/tasks.md). Of a model without tasks the one input that it has.",
    }),
  ),
  task: Type.Optional(
    Type.String({
      maxLength: 64,
      description: "Which of the model's tasks; the first one when left out.",
    }),
  ),
  parameters: Type.Optional(
    Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), {
      description: 'Of the task. They may also stand at the top level.',
    }),
  ),
  outputs: Type.Optional(
    Type.Array(Type.String({ maxLength: limits.tensorNameLength }), {
      maxItems: limits.tensorsPerRequest,
      description: 'Names of the outputs wanted; all when left out.',
    }),
  ),
  include_outputs: Type.Optional(
    Type.Union([Type.Boolean(), Type.Literal('true'), Type.Literal('false')], {
      description: 'false: only times and sizes come back.',
    }),
  ),
  timeout_ms: Type.Optional(
    Type.Number({
      minimum: 0.001,
      maximum: limits.inferenceMaxMs,
      description: 'Fractions are microseconds.',
    }),
  ),
  priority: Type.Optional(
    Type.Unsafe<Priority>({
      ...PrioritySchema,
      description: "Makes this request less urgent than its model's class.",
    }),
  ),
  sequence: Type.Optional(SequenceParam),
  batch_size: Type.Optional(
    Type.Integer({ minimum: 1, description: 'Of tasks; accepted everywhere for earlier clients.' }),
  ),
  max_length: Type.Optional(
    Type.Integer({ minimum: 1, description: 'Of tasks; accepted everywhere for earlier clients.' }),
  ),
} as const;

export const ModelInferParams = Type.Object(inferOptions, {
  additionalProperties: true,
  description: 'Inputs may also stand at the top level: {"input_ids": [101, 102]}.',
});

export const ModelInferResult = Type.Object({
  status: Status,
  model_id: Type.String(),
  model_version: Type.String({ description: 'sha256 of the model file.' }),
  ordinal: Type.Integer({ minimum: 1 }),
  plugin_id: Type.String(),
  inference_time_us: Count,
  queue_time_us: Type.Integer({
    minimum: 0,
    description:
      'Waiting for the model. Of a task: the way to its plugin and back; what it waits for the model is in inference_time_us.',
  }),
  output_size: Type.Integer({ minimum: 0, description: 'Bytes of all output tensors.' }),
  message: Type.String(),
  outputs: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description:
        'Elements of each output: over HTTP a flat row-major list, on the IPC socket raw little-endian bytes (a list for strings).',
    }),
  ),
  output_shapes: Type.Optional(Type.Record(Type.String(), Type.Array(Count))),
  output_dtypes: Type.Optional(Type.Record(Type.String(), Type.String())),
  task: Type.Optional(Type.String({ description: 'The task that was done.' })),
  result: Type.Optional(
    Type.Unknown({
      description: 'Of the task: an object, or a list of them where a list came in.',
    }),
  ),
});
