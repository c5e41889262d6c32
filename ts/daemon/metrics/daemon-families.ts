import { productVersion } from '../../protocol/version.ts';
import type { Channels } from '../lifecycle/channels.ts';
import type { HostPool } from '../lifecycle/host-pool.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Counters } from '../observe/counters.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { openDescriptors, residentBytes } from '../resource/process-facts.ts';
import { counter, type Family, gauge, type Sample, secondsHistogram } from './family.ts';

export interface DaemonFacts {
  readonly counters: Counters;
  readonly registry: ModelRegistry;
  readonly lifecycle: Lifecycle;
  readonly channels: Channels;
  readonly pool: HostPool;
}

/** `mlos_…` of the daemon and its plugins. */
export function daemonFamilies(deps: DaemonFacts): readonly Family[] {
  const { counters, registry, lifecycle, channels } = deps;
  const { rss, heapUsed } = process.memoryUsage();
  const one = (value: number) => [{ labels: {}, value }];
  return [
    gauge('mlos_build_info', 'Always 1.', [{ labels: { version: productVersion }, value: 1 }]),
    gauge('mlos_start_time_seconds', 'When it started.', one(counters.startedAtMs / 1000)),
    counter(
      'mlos_requests_total',
      'Requests by operation, door and outcome: OK or the code of the error.',
      [...counters.requests.counts()].map(({ count, ...labels }) => ({ labels, value: count })),
    ),
    secondsHistogram(
      'mlos_request_seconds',
      'Time of requests in the daemon, from the door and back to it.',
      [...counters.requests.times()].map(({ method, times }) => ({
        labels: { method },
        buckets: times.buckets,
        sum: times.totalUs / 1e6,
      })),
    ),
    gauge('mlos_models_registered', 'Models of the registry.', one(registry.size)),
    gauge('mlos_models_ready', 'Models that are loaded.', one(lifecycle.readyCount)),
    gauge('mlos_channels', 'Channels of attached apps.', one(channels.list().length)),
    gauge('mlos_resident_bytes', 'Memory of the daemon itself.', one(rss)),
    gauge('mlos_heap_bytes', 'Its JavaScript heap in use.', one(heapUsed)),
    gauge('mlos_open_descriptors', 'Its open descriptors.', one(openDescriptors())),
    ...pluginFamilies(deps.pool),
  ];
}

/** All processes of a plugin together. */
function pluginFamilies(pool: HostPool): readonly Family[] {
  const plugins = new Map<string, { processes: number; restarts: number; resident: number }>();
  for (const { descriptor, status } of pool.all()) {
    const sum = plugins.get(descriptor.id) ?? { processes: 0, restarts: 0, resident: 0 };
    sum.restarts += status.restarts;
    if (status.pid !== null) {
      sum.processes += 1;
      sum.resident += residentBytes(status.pid) ?? 0;
    }
    plugins.set(descriptor.id, sum);
  }
  const each = (name: 'processes' | 'restarts' | 'resident'): Sample[] =>
    [...plugins].map(([plugin, sum]) => ({ labels: { plugin }, value: sum[name] }));
  return [
    gauge('mlos_plugin_processes', 'Processes of the plugin that run.', each('processes')),
    counter('mlos_plugin_restarts_total', 'Starts after a crash.', each('restarts')),
    gauge('mlos_plugin_resident_bytes', 'Memory of its processes.', each('resident')),
  ];
}
