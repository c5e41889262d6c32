import { type Static, Type } from 'typebox';
import { EngineOptions } from './engine-options.ts';
import { MeasureSchema, ModelStateSchema, SignatureSchema } from './shared-schemas.ts';

/** A model as the API shows it. */
const Nullable = Type.Union([Type.String(), Type.Null()]);

const TensorNames = Type.Record(Type.String(), Type.String());
const PipelineInfo = Type.Object({
  inputs: Type.Array(Type.String()),
  outputs: Type.Array(Type.String()),
  steps: Type.Array(
    Type.Object({ model_id: Type.String(), inputs: TensorNames, outputs: TensorNames }),
  ),
});

export const ModelTaskInfo = Type.Object({
  name: Type.String({ description: "As the Hugging Face Hub's pipeline_tag." }),
  summary: Type.String(),
  inputs: Type.Array(
    Type.Object({
      name: Type.String(),
      kind: Type.String({ description: 'text, texts, image, audio or messages.' }),
      required: Type.Boolean(),
      takes_list: Type.Boolean({ description: 'A list of them is answered by a list.' }),
      description: Type.String(),
    }),
  ),
  parameters: Type.Array(Type.String(), { description: 'Their names; docs/tasks.md says more.' }),
  outputs: Type.Array(
    Type.Object({
      name: Type.String(),
      type: Type.String({ description: 'As JSON has it: string, number, array or object.' }),
      required: Type.Boolean({ description: 'false: only where the model has it, or was asked.' }),
    }),
    { description: 'What the result of one input holds; docs/tasks.md says more.' },
  ),
  facts: Type.Record(Type.String(), Type.Unknown(), {
    description: 'What its package says of it: pooling, context_length, chat …',
  }),
  example: Type.String({ description: 'A command that works when it is pasted.' }),
});

export const ModelInfo = Type.Object({
  id: Type.String(),
  name: Type.String(),
  status: ModelStateSchema,
  reason: Type.Union([Type.String(), Type.Null()], {
    description: 'Why the state is failed, where it is.',
  }),
  plugin_id: Type.String(),
  plugin_choice: Type.String({ description: 'Why this plugin was chosen.' }),
  framework: Nullable,
  execution_format: Type.String(),
  path: Type.String(),
  file: Type.String({ description: 'The file that the plugin loads, relative to path.' }),
  digest: Type.String({ description: 'sha256 of the model file, in hex: the immutable version.' }),
  version: Type.String(),
  ordinal: Type.Integer({
    minimum: 1,
    description:
      'Counts the registrations of a name: the version for clients that know only integers. Never used again.',
  }),
  description: Nullable,
  manifest_path: Nullable,
  isolation: Type.Union([Type.Literal('plugin'), Type.Literal('model')]),
  engine: EngineOptions,
  runner: Type.Union([Type.String(), Type.Null()], {
    description: 'What runs it; null while it is not loaded, or where its plugin does not say.',
  }),
  measures: Type.Array(MeasureSchema, {
    description: 'What was asked of the kernel for its threads and memory, while it is loaded.',
  }),
  state: Type.Array(Type.Object({ input: Type.String(), output: Type.String() }), {
    description:
      'Outputs that it takes as inputs at the next request of a sequence; not in the signature. Empty: it keeps none.',
  }),
  pipeline: Type.Union([PipelineInfo, Type.Null()], {
    description: 'The models that it is made of, and which tensor goes where; null for others.',
  }),
  tasks: Type.Array(ModelTaskInfo, {
    description:
      'What it can do beside running tensors, the usual one first; empty until it was loaded once.',
  }),
  signature: Type.Union([SignatureSchema, Type.Null()], {
    description: 'Read from the model by its plugin; null until it was loaded once.',
  }),
  expires_at: Type.Union([Type.String(), Type.Null()], {
    description:
      'When it is unloaded if nobody asks it before (RFC 3339); null: it stays, or is not loaded.',
  }),
  registered_at: Type.String({ description: 'RFC 3339.' }),
  inference_endpoint: Type.String(),
  example: Type.Union([Type.String(), Type.Null()], {
    description:
      'A command that works when it is pasted, with tensors of zeros; null where a task has one, or they are too large to be read.',
  }),
});

export type ModelInfoWire = Static<typeof ModelInfo>;
