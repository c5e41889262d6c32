import { type Static, Type } from 'typebox';
import { type Dtype, dtypeNames } from '../protocol/dtype.ts';
import { limits } from '../protocol/limits.ts';
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

export const LoadResultSchema = Type.Object({
  signature: Type.Object({ inputs: SpecsSchema, outputs: SpecsSchema }),
  engine: Type.Optional(EngineSchema),
  metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

export type LoadResult = Static<typeof LoadResultSchema>;
