import { type Static, Type } from 'typebox';
import { type Dtype, dtypeNames } from '../protocol/dtype.ts';
import { limits } from '../protocol/limits.ts';
import { type TaskName, taskNames } from '../protocol/tasks/task.ts';
import { smiLimits } from './smi-limits.ts';

/* What a plugin may say. The checks that the daemon loads are generated from here. */
const Word = Type.String({ minLength: 1, maxLength: smiLimits.wordLength });
const Words = Type.Array(Word, { maxItems: smiLimits.words });
const DtypeSchema = Type.Unsafe<Dtype>({ type: 'string', enum: [...dtypeNames] });

export const HelloSchema = Type.Object({
  smi_version: Type.Array(Type.Integer({ minimum: 0 }), { minItems: 2, maxItems: 2 }),
  name: Word,
  version: Word,
  frameworks: Words,
  formats: Words,
  dtypes: Type.Array(DtypeSchema, { maxItems: smiLimits.words }),
  runner: Word,
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: smiLimits.concurrency })),
  /** It puts models into a native engine in its process. */
  engine: Type.Optional(Type.Boolean()),
});

/** What a plugin says of itself when it starts. */
export type Hello = Static<typeof HelloSchema>;

const SpecSchema = Type.Object({
  name: Type.String({ maxLength: limits.tensorNameLength }),
  dtype: DtypeSchema,
  shape: Type.Union([
    Type.Array(Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER }), {
      maxItems: limits.tensorRank,
    }),
    Type.Null(),
  ]),
  dims: Type.Optional(
    Type.Array(Type.Union([Type.String({ maxLength: smiLimits.dimNameLength }), Type.Null()]), {
      maxItems: limits.tensorRank,
    }),
  ),
});

const SpecsSchema = Type.Array(SpecSchema, { maxItems: limits.tensorsPerRequest });

const MeasureSchema = Type.Object({
  name: Word,
  outcome: Word,
  detail: Type.String({ maxLength: smiLimits.measureDetailLength }),
});

const EngineSchema = Type.Object({
  /** What the engine calls the model; another one after every load. */
  handle: Type.Integer({ minimum: 1, maximum: 0xffff_ffff }),
  /** What executes this model. */
  runner: Word,
  /** Its runs hold up the plugin's event loop, heart-beats included. */
  on_loop: Type.Optional(Type.Boolean()),
  /** What was asked of the kernel for it, and what came of that. */
  measures: Type.Array(MeasureSchema, { maxItems: smiLimits.words }),
});

/** Where a loaded model is in its plugin's engine. */
export type EngineEntry = Static<typeof EngineSchema>;

const TaskSchema = Type.Object({
  name: Type.Unsafe<TaskName>({ type: 'string', enum: [...taskNames] }),
  /** What people may want to know of it: pooling, context_length, chat … */
  facts: Type.Record(Type.String(), Type.Unknown()),
});

/** A task that a loaded model can do. */
export type TaskEntry = Static<typeof TaskSchema>;

export const LoadResultSchema = Type.Object({
  signature: Type.Object({ inputs: SpecsSchema, outputs: SpecsSchema }),
  engine: Type.Optional(EngineSchema),
  tasks: Type.Optional(Type.Array(TaskSchema, { maxItems: taskNames.length })),
  metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

export type LoadResult = Static<typeof LoadResultSchema>;

export const TaskResultSchema = Type.Object({
  /** Of one input; of a list of inputs a list. */
  result: Type.Union([
    Type.Record(Type.String(), Type.Unknown()),
    Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: limits.taskItems }),
  ]),
  inference_time_us: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
});

export type TaskResult = Static<typeof TaskResultSchema>;
