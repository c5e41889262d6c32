import type { Health, Readiness } from '../../protocol/methods/service.ts';
import { productVersion } from '../../protocol/version.ts';
import type { HostPool } from '../lifecycle/host-pool.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Counters } from '../observe/counters.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import type { PluginCatalog } from '../registry/plugin-catalog.ts';
import type { DoorName } from '../request-context.ts';
import { readDevices } from '../resource/devices.ts';
import { openDescriptors } from '../resource/process-facts.ts';
import type { Operations } from './operation.ts';

/** What a door tells of itself once it is open. */
export interface DoorFacts {
  readonly enabled: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly tls?: boolean;
  readonly adapter?: string;
}

/** Filled by the composition root as doors open. */
export interface ServiceState {
  readonly doors: Map<DoorName, DoorFacts>;
  draining: boolean;
}

export interface ServiceDeps {
  readonly state: ServiceState;
  readonly counters: Counters;
  readonly registry: ModelRegistry;
  readonly catalog: PluginCatalog;
  readonly lifecycle: Lifecycle;
  readonly pool: HostPool;
}

type HealthDeps = Pick<ServiceDeps, 'state' | 'pool'>;

/** By plugin, what its process said in its greeting. */
function runnersOf(pool: HostPool): Record<string, string> {
  return Object.fromEntries(
    pool.all().flatMap(({ descriptor, status }) => {
      return status.pid === null || status.runner === null ? [] : [[descriptor.id, status.runner]];
    }),
  );
}

function makeHealth({ state, pool }: HealthDeps, timestamp: number): Health {
  const apis: string[] = [];
  for (const [name, door] of state.doors) if (door.enabled) apis.push(name);
  return {
    status: state.draining ? 'draining' : 'healthy',
    service: 'mlos-core',
    version: productVersion,
    apis,
    timestamp,
    http_adapter: state.doors.get('http')?.adapter ?? null,
    pid: process.pid,
    runners: Object.freeze(runnersOf(pool)),
  };
}

/**
 * Health changes with the clock's second and with draining; doors open before the first question.
 * The same frozen object in between lets a door keep its bytes, too.
 */
function healthOperation(deps: HealthDeps): () => Health {
  const { state } = deps;
  let current = makeHealth(deps, 0);
  let draining = state.draining;
  return () => {
    const second = Math.floor(Date.now() / 1000);
    if (second !== current.timestamp || draining !== state.draining) {
      draining = state.draining;
      current = Object.freeze(makeHealth(deps, second));
    }
    return current;
  };
}

function readiness(deps: ServiceDeps): Readiness {
  const reasons: string[] = [];
  if (deps.state.draining) reasons.push('The daemon is shutting down.');
  for (const key of [...deps.registry.corrupted, ...deps.catalog.corrupted]) {
    reasons.push(`The registry record ${key} does not match its checksum and is not used.`);
  }
  for (const { folder, reason } of deps.catalog.broken) {
    reasons.push(`The plugin in ${folder} cannot be used: ${reason}`);
  }
  for (const { descriptor, status } of deps.pool.all()) {
    if (status.state !== 'crashed' || status.reason === null) continue;
    reasons.push(`Plugin ${descriptor.id} is down: it ${status.reason}.`);
  }
  return { ready: reasons.length === 0, reasons };
}

type ServiceOperations = Pick<
  Operations,
  'health.get' | 'health.live' | 'health.ready' | 'stats.get' | 'devices.list'
>;

export function serviceOperations(deps: ServiceDeps): ServiceOperations {
  return {
    'health.get': healthOperation(deps),
    'health.live': () => ({ live: true }),
    'health.ready': () => readiness(deps),
    'stats.get': () => {
      const counts = deps.counters.snapshot();
      const { rss, heapUsed } = process.memoryUsage();
      return {
        total_requests: counts.succeeded + counts.failed,
        successful_requests: counts.succeeded,
        failed_requests: counts.failed,
        avg_response_time_us: counts.averageUs,
        uptime_seconds: (Date.now() - deps.counters.startedAtMs) / 1000,
        inferences: counts.inferences,
        errors_by_code: counts.errorsByCode,
        models_registered: deps.registry.size,
        models_ready: deps.lifecycle.readyCount,
        plugins_registered: deps.catalog.size,
        plugin_processes: deps.pool.all().filter((host) => host.status.pid !== null).length,
        memory: { rss_bytes: rss, heap_used_bytes: heapUsed },
        open_descriptors: openDescriptors(),
        apis: Object.fromEntries(deps.state.doors),
      };
    },
    'devices.list': () => readDevices(),
  };
}
