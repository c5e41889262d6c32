import type { Clock, Timer } from '../clock.ts';
import type { HostLimits } from '../host-limits.ts';
import type { EngineModel } from './engine-model.ts';
import type { HostEngine } from './host-engine.ts';

const nanosecondsPerMs = 1e6;

/** Looks at what an engine counts, about once a heart-beat: whether it gets on, and what is stuck in it. */
export class EngineWatch {
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  /** The models that are in the engine now. */
  readonly #models: () => readonly EngineModel[];
  #timer: Timer | null = null;
  #seen = 0;

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
   * True where the engine has run something since the last call, or runs a model on its event loop: then
   * the process lives, though its loop may have no time for a heart-beat.
   */
  getsOn(engine: HostEngine | null): boolean {
    const rows = engine?.stats() ?? [];
    const ran = rows.reduce((sum, { batches }) => sum + batches, 0);
    const moved = ran !== this.#seen;
    this.#seen = ran;
    if (moved) return true;
    const onLoop = new Set(
      this.#models()
        .filter(({ entry }) => entry.on_loop === true)
        .map(({ handle }) => handle),
    );
    return rows.some(
      ({ handle, workers }) =>
        onLoop.has(handle) && workers.some(({ runStartedNs }) => runStartedNs !== null),
    );
  }

  /** The model in which a run is stuck, or null. */
  #stuck(engine: HostEngine): string | null {
    const now = Number(process.hrtime.bigint());
    const longNs = this.#limits.stuckRunMs * nanosecondsPerMs;
    const row = engine.stats().find(({ workers }) =>
      workers.some(({ terminateAskedNs }) => {
        return terminateAskedNs !== null && now - terminateAskedNs > longNs;
      }),
    );
    if (row === undefined) return null;
    return this.#models().find(({ handle }) => handle === row.handle)?.modelId ?? 'a model';
  }
}
