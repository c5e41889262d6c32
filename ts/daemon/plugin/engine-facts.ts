import { type EngineModelStats, withParts } from '../../native/engine-stats.ts';
import type { EngineModel } from './engine/engine-model.ts';
import type { PluginHost } from './host.ts';

/** What was asked of the kernel for a model's threads and memory, and what came of it. */
export interface AppliedMeasure {
  readonly name: string;
  readonly outcome: string;
  readonly detail: string;
}

/** A model as a plugin's engine has it now. */
export interface EngineModelFacts {
  readonly modelId: string;
  readonly runner: string;
  readonly measures: readonly AppliedMeasure[];
  /** Its row of the engine's stats page and those of its parts; null where the page has none. */
  readonly stats: EngineModelStats | null;
}

function facts(model: EngineModel, rows: readonly EngineModelStats[]): EngineModelFacts {
  const { modelId, entry, handle } = model;
  const { runner, measures } = entry;
  const row = rows.find((one) => one.handle === handle);
  return { modelId, runner, measures, stats: row === undefined ? null : withParts(row, rows) };
}

/** What a plugin's engine holds; null where the plugin has none, or does not run. */
export function engineFacts(host: PluginHost): readonly EngineModelFacts[] | null {
  const models = host.engineModels;
  const rows = models?.[0]?.engine.stats() ?? [];
  return models?.map((model) => facts(model, rows)) ?? null;
}

/** One model as its plugin's engine has it, without its counters; null where it is in none. */
export function engineModelFacts(host: PluginHost, modelId: string): EngineModelFacts | null {
  const model = host.engineModel(modelId);
  return model === null ? null : facts(model, []);
}
