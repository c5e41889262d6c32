import type { HostPool } from '../lifecycle/host-pool.ts';
import type { Counters } from '../observe/counters.ts';
import type { TransportTimes } from '../observe/inference-times.ts';
import { type EngineModelFacts, engineFacts } from '../plugin/engine-facts.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { nameOf } from '../registry/ordinals.ts';
import type { Labels } from './family.ts';

export type PageStats = NonNullable<EngineModelFacts['stats']>;

/** A model that an engine holds. */
export interface LoadedModel {
  readonly labels: Labels;
  /** Its row of the engine's stats page. */
  readonly stats: PageStats;
  readonly times: TransportTimes | undefined;
}

/** Reads the stats pages: the engines notice nothing of it. */
export function loadedModels(deps: {
  readonly pool: HostPool;
  readonly registry: ModelRegistry;
  readonly counters: Counters;
}): readonly LoadedModel[] {
  const { pool, registry, counters } = deps;
  counters.inferenceTimes.keepOnly((id) => registry.find(id) !== undefined);
  return pool.all().flatMap((host) =>
    (engineFacts(host) ?? []).flatMap(({ modelId, stats }) => {
      const record = registry.find(modelId);
      if (stats === null || record === undefined) return [];
      const labels = { model: nameOf(modelId), version: String(record.ordinal) };
      const times = counters.inferenceTimes.get(modelId, record.ordinal);
      return [{ labels, stats, times }];
    }),
  );
}
