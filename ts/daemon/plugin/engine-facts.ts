import type { EngineModelStats } from '../../native/engine-stats.ts';

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
  /** Its row of the engine's stats page; null where the page has none. */
  readonly stats: EngineModelStats | null;
}
