import { type Static, Type } from 'typebox';
import { type Priority, PrioritySchema } from './shared-schemas.ts';

/** How the engine runs one model. What is left out comes from the configuration (`inference.*`). */
export const EngineOptions = Type.Object(
  {
    priority: Type.Optional(
      Type.Unsafe<Priority>({
        ...PrioritySchema,
        description: 'Class of the model: which queue goes first, and the policy of its threads.',
      }),
    ),
    instances: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 16, description: 'Batches that may run at once.' }),
    ),
    intra_op_threads: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_024,
        description: "Threads of one run; 0 leaves it to the runtime's own default.",
      }),
    ),
    batching: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('off'), Type.Literal('fixed')], {
        description:
          'auto: requests run together where the model was measured to gain from it. fixed: always, up to max_batch.',
      }),
    ),
    max_batch: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_024,
        description: 'The most requests that run together; for auto the most that is tried.',
      }),
    ),
    max_delay_us: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        description: 'How long a request may wait for others to run with, in microseconds.',
      }),
    ),
    max_queue: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65_536,
        description: 'Requests that may wait; beyond it the answer is TOO_MANY_REQUESTS.',
      }),
    ),
    max_sequences: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65_536,
        description: 'Of a model that keeps states: sequences that there may be at once.',
      }),
    ),
    max_state_bytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2 ** 40,
        description: 'Of a model that keeps states: bytes of those of all sequences.',
      }),
    ),
    sequence_idle_ms: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400_000,
        description: 'A sequence without requests for so long is forgotten.',
      }),
    ),
    cpus: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0, maximum: 4_095 }), {
        maxItems: 4_096,
        description: 'CPUs that its threads may use; chosen by class where left out.',
      }),
    ),
  },
  { additionalProperties: false },
);

export type EngineOptionsWire = Static<typeof EngineOptions>;
