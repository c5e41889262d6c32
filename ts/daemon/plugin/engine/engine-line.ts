import type { MlosError } from '../../../protocol/errors.ts';
import type { Clock } from '../clock.ts';
import type { InferenceRequest, InferenceResult } from '../host-jobs.ts';
import type { HostLimits } from '../host-limits.ts';
import type { AbortNotice } from '../job.ts';
import type { QueueBudget } from '../queue-budget.ts';
import type { EngineModel } from './engine-model.ts';
import { ModelLine, type ModelLineEvents } from './model-line.ts';

/** The requests for the models that a plugin has in its engine, beside the line of its SMI calls. */
export class EngineLine {
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  readonly #budget: QueueBudget;
  readonly #events: ModelLineEvents;
  readonly #models = new Map<string, ModelLine>();

  constructor(options: {
    readonly limits: HostLimits;
    readonly clock: Clock;
    readonly budget: QueueBudget;
    readonly events: ModelLineEvents;
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#budget = options.budget;
    const { events } = options;
    this.#events = {
      ...events,
      idle: () => {
        if (this.empty) events.idle();
      },
    };
  }

  get empty(): boolean {
    return [...this.#models.values()].every((line) => line.empty);
  }

  /** True while the engine has work of ours. */
  get busy(): boolean {
    return [...this.#models.values()].some((line) => line.busy);
  }

  /** The models that are in an engine, or will be again when the process is back. */
  get models(): readonly EngineModel[] {
    return [...this.#models.values()].map(({ model }) => model);
  }

  find(modelId: string): EngineModel | null {
    return this.#models.get(modelId)?.model ?? null;
  }

  /** Null: the model is in no engine. */
  infer(request: InferenceRequest, signal?: AbortNotice): Promise<InferenceResult> | null {
    return this.#models.get(request.modelId)?.add(request, signal) ?? null;
  }

  /** The model was loaded into an engine. Resolves when requests can go there. */
  async attach(model: EngineModel): Promise<void> {
    let line = this.#models.get(model.modelId);
    if (line === undefined) {
      const [limits, clock, budget] = [this.#limits, this.#clock, this.#budget];
      line = new ModelLine({ model, limits, clock, budget, events: this.#events });
      this.#models.set(model.modelId, line);
    }
    await line.attach(model);
  }

  /** Resolves when all accepted requests for the model are answered. */
  async drained(modelId: string): Promise<void> {
    await this.#models.get(modelId)?.drained();
  }

  /** The model is not in the engine any more; what still waits for it gets `error`. */
  remove(modelId: string, error: MlosError): void {
    const line = this.#models.get(modelId);
    this.#models.delete(modelId);
    line?.detach(error);
    line?.rejectWaiting(error);
  }

  /** The process is dead: what it had begun gets `error`, the rest waits for the next one. */
  detach(error: MlosError): void {
    for (const line of this.#models.values()) line.detach(error);
  }

  /** Nobody will serve what waits. */
  rejectWaiting(error: MlosError): void {
    for (const line of this.#models.values()) line.rejectWaiting(error);
  }
}
