import type { EngineModelStats } from '../../../native/engine-stats.ts';
import type { Clock, Timer } from '../clock.ts';
import type { HostLimits } from '../host-limits.ts';
import type { EngineModel } from './engine-model.ts';
import type { HostEngine } from './host-engine.ts';

const nanosecondsPerMs = 1e6;

/** True while a run of the model is under way. */
export function runs({ workers }: EngineModelStats): boolean {
  return workers.some(({ runStartedNs }) => runStartedNs !== null);
}

/** True where a run of the model goes on that was asked to end `longMs` ago. */
export function isStuck({ workers }: EngineModelStats, longMs: number): boolean {
  const now = Number(process.hrtime.bigint());
  return workers.some(
    ({ terminateAskedNs: asked }) => asked !== null && now - asked >= longMs * nanosecondsPerMs,
  );
}

function answered(rows: readonly EngineModelStats[]): number {
  return rows.reduce((sum, row) => sum + row.succeeded + row.failed, 0);
}

/** True where an engine has answered anybody: its channels' clients tell nobody else of it. */
export function hasAnswered(engine: HostEngine | null): boolean {
  return engine !== null && answered(engine.stats()) > 0;
}

/** Looks at what an engine counts, about once a heart-beat: whether it gets on, and what is stuck in it. */
export class EngineWatch {
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  /** The models that are in the engine now. */
  readonly #models: () => readonly EngineModel[];
  #timer: Timer | null = null;
  #finished = 0;

  constructor(options: {
    readonly limits: HostLimits;
    readonly clock: Clock;
    readonly models: () => readonly EngineModel[];
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#models = options.models;
  }

  /** `kill`: a run goes on that was asked to end long ago. */
  start(engine: HostEngine, kill: (reason: string) => void): void {
    this.stop();
    this.#finished = 0;
    const { heartbeatMs, stuckRunMs } = this.#limits;
    const look = () => {
      const model = this.#stuck(engine);
      if (model === null) this.#timer = this.#clock.after(heartbeatMs, look, 'background');
      else kill(`was still busy with ${model} ${stuckRunMs} ms after the run was asked to end`);
    };
    this.#timer = this.#clock.after(heartbeatMs, look, 'background');
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /**
   * True where the engine has finished something since the last call, or runs a model on the plugin's
   * event loop: then the process lives, though its loop may have no time for a heart-beat.
   */
  getsOn(engine: HostEngine | null): boolean {
    const rows = engine?.stats() ?? [];
    const finished = answered(rows);
    const moved = finished !== this.#finished;
    this.#finished = finished;
    if (moved) return true;
    const onLoop = new Set(
      this.#models()
        .filter(({ entry }) => entry.on_loop === true)
        .map(({ handle }) => handle),
    );
    return rows.some((row) => onLoop.has(row.handle) && runs(row));
  }

  /** The model in which a run is stuck, or null. */
  #stuck(engine: HostEngine): string | null {
    const row = engine.stats().find((model) => isStuck(model, this.#limits.stuckRunMs));
    if (row === undefined) return null;
    const whole = row.partOf || row.handle;
    return this.#models().find(({ handle }) => handle === whole)?.modelId ?? 'a model';
  }
}
