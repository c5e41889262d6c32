import { type Static, Type } from 'typebox';
import { type BatchVerdict, batchVerdicts } from '../batch-verdict.ts';
import type { MethodDeclaration } from './method.ts';
import {
  Count,
  MeasureSchema,
  PluginStateSchema,
  PrioritySchema,
  Status,
} from './shared-schemas.ts';

export const Times = Type.Object(
  {
    mean: Type.Number({ minimum: 0 }),
    p50: Type.Number({ minimum: 0 }),
    p95: Type.Number({ minimum: 0 }),
    p99: Type.Number({ minimum: 0 }),
    buckets: Type.Array(Count, { description: 'Counts between the bounds of time_bounds_us.' }),
  },
  { description: 'Since the model was loaded, in microseconds; interpolated within buckets.' },
);

export const Worker = Type.Object({
  thread_id: Count,
  cpu: Type.Integer({ minimum: 0, description: 'The one that its last batch ended on.' }),
  state: Type.Union([Type.Literal('idle'), Type.Literal('running'), Type.Literal('ending')], {
    description: 'ending: the run under way was asked to end.',
  }),
  running_us: Type.Number({ minimum: 0, description: 'Time of the run under way; 0 when idle.' }),
  cpu_seconds: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
    description: 'CPU time of the thread; null where it cannot be read.',
  }),
});

export const EngineModel = Type.Object({
  model_id: Type.String(),
  runner: Type.String({ description: 'What runs it, such as "onnxruntime 1.30.0 (C ABI)".' }),
  priority: PrioritySchema,
  intra_op_threads: Type.Integer({ minimum: 0, description: "0: the runtime's own default." }),
  batching: Type.Object({
    verdict: Type.Unsafe<BatchVerdict>({
      type: 'string',
      enum: [...batchVerdicts],
      description:
        'fixed: as registered. Of auto: pending, gains or no_gain as measured, unfit where joined requests give other answers or shapes forbid it.',
    }),
    limit: Type.Integer({ minimum: 1, description: 'Requests that run together; 1: none do.' }),
  }),
  queued: Count,
  channels: Count,
  sequences: Type.Integer({ minimum: 0, description: 'Of a model that keeps states.' }),
  state_bytes: Type.Integer({ minimum: 0, description: 'Of the states of all sequences.' }),
  requests: Count,
  succeeded: Count,
  failed: Count,
  cancelled: Count,
  expired: Type.Integer({ minimum: 0, description: 'Past their deadline; never run.' }),
  rejected: Type.Integer({ minimum: 0, description: 'Refused because the queue was full.' }),
  batches: Count,
  batch_sizes: Type.Array(Count, { description: 'Counts between the bounds of batch_bounds.' }),
  input_bytes: Count,
  output_bytes: Count,
  queue_us: Times,
  run_us: Times,
  workers: Type.Array(Worker),
  measures: Type.Array(MeasureSchema),
});

export type EngineModelWire = Static<typeof EngineModel>;

export const EngineProcess = Type.Object({
  plugin_id: Type.String(),
  pid: Count,
  state: PluginStateSchema,
  engine: Type.Boolean({ description: 'false: the plugin answers over SMI, and has no figures.' }),
  rss_bytes: Type.Union([Count, Type.Null()]),
  cpu_seconds: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
  models: Type.Array(EngineModel),
});

export type EngineProcessWire = Static<typeof EngineProcess>;

export const EngineStatsResult = Type.Object({
  status: Status,
  monotonic_us: Type.Number({ description: 'When the figures were read, for rates.' }),
  time_bounds_us: Type.Array(Count, {
    description: 'Upper bounds of the time buckets; one more bucket has none.',
  }),
  batch_bounds: Type.Array(Count),
  processes: Type.Array(EngineProcess),
});

export type EngineStatsWire = Static<typeof EngineStatsResult>;

export const engineMethods = [
  {
    name: 'stats.engine',
    summary: 'Queues, batches, times, workers and kernel measures of every loaded model.',
    params: Type.Object({}, { additionalProperties: false }),
    result: EngineStatsResult,
    errors: [],
    http: { verb: 'GET', path: '/stats/engine' },
    grpc: { service: 'HealthService', rpc: 'GetEngineStats' },
  },
] as const satisfies readonly MethodDeclaration[];
