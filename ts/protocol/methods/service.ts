import { type Static, Type } from 'typebox';
import type { MethodDeclaration } from './method.ts';
import { Count } from './shared-schemas.ts';

const NoParams = Type.Object({}, { additionalProperties: false });

export const DoorFacts = Type.Object({
  enabled: Type.Boolean(),
  host: Type.Optional(Type.String()),
  port: Type.Optional(Count),
  path: Type.Optional(Type.String()),
  tls: Type.Optional(Type.Boolean({ description: 'The port asks for TLS.' })),
  adapter: Type.Optional(Type.String()),
});

export const HealthResult = Type.Object({
  status: Type.Union([Type.Literal('healthy'), Type.Literal('draining')]),
  service: Type.Literal('mlos-core'),
  version: Type.String(),
  apis: Type.Array(Type.String(), { description: 'Doors that are open now.' }),
  timestamp: Type.Integer({ description: 'Unix time in seconds.' }),
  http_adapter: Type.Union([Type.String(), Type.Null()], {
    description: 'Which HTTP server library runs: uwebsockets or node.',
  }),
  pid: Count,
  runners: Type.Record(Type.String(), Type.String(), {
    description: 'What runs the models of each plugin whose process is up.',
  }),
});

export const ReadyResult = Type.Object({
  ready: Type.Boolean(),
  reasons: Type.Array(Type.String(), { description: 'Why not, one sentence each.' }),
});

export const LiveResult = Type.Object({ live: Type.Literal(true) });

export const StatsResult = Type.Object({
  total_requests: Count,
  successful_requests: Count,
  failed_requests: Count,
  avg_response_time_us: Type.Number({ minimum: 0 }),
  uptime_seconds: Type.Number({ minimum: 0 }),
  inferences: Count,
  errors_by_code: Type.Record(Type.String(), Count),
  models_registered: Count,
  models_ready: Count,
  plugins_registered: Count,
  plugin_processes: Count,
  memory: Type.Object({ rss_bytes: Count, heap_used_bytes: Count }),
  open_descriptors: Count,
  apis: Type.Record(Type.String(), DoorFacts),
});

export const DevicesResult = Type.Object({
  cpu: Type.Unknown({ description: 'Topology: packages, cores, threads, NUMA nodes, caches.' }),
  gpus: Type.Unknown({ description: 'GPUs found, and per vendor the reason where there is none.' }),
  memory: Type.Object({ total_bytes: Count, available_bytes: Count }),
});

export type Health = Static<typeof HealthResult>;
export type Readiness = Static<typeof ReadyResult>;
export type Stats = Static<typeof StatsResult>;

export const serviceMethods = [
  {
    name: 'health.get',
    summary: 'The daemon is alive, and which doors are open. Never depends on plugins.',
    params: NoParams,
    result: HealthResult,
    errors: [],
    http: { verb: 'GET', path: '/health' },
    grpc: { service: 'HealthService', rpc: 'GetHealth' },
  },
  {
    name: 'health.live',
    summary: 'Liveness probe: answers while the process runs.',
    params: NoParams,
    result: LiveResult,
    errors: [],
    http: { verb: 'GET', path: '/livez' },
    grpc: { service: 'HealthService', rpc: 'CheckLive' },
  },
  {
    name: 'health.ready',
    summary: 'Readiness probe: 503 with reasons while the daemon cannot serve all it should.',
    params: NoParams,
    result: ReadyResult,
    errors: ['PLUGIN_UNAVAILABLE', 'DATA_CORRUPTED'],
    http: { verb: 'GET', path: '/readyz', aliases: ['/health/ready'] },
    grpc: { service: 'HealthService', rpc: 'CheckReady' },
  },
  {
    name: 'stats.get',
    summary: 'Counters since the daemon started, and what it uses.',
    params: NoParams,
    result: StatsResult,
    errors: [],
    http: { verb: 'GET', path: '/stats' },
    grpc: { service: 'HealthService', rpc: 'GetStats' },
  },
  {
    name: 'devices.list',
    summary: 'CPUs and GPUs of this host.',
    params: NoParams,
    result: DevicesResult,
    errors: [],
    http: { verb: 'GET', path: '/devices' },
    grpc: { service: 'HealthService', rpc: 'ListDevices' },
  },
] as const satisfies readonly MethodDeclaration[];
