import { MlosError } from '../../protocol/errors.ts';
import type { TaskResult } from '../../smi/from-plugin.ts';
import type { Clock } from './clock.ts';
import { EngineLine } from './engine/engine-line.ts';
import { type EngineModel, engineModel } from './engine/engine-model.ts';
import type { HostEngine } from './engine/host-engine.ts';
import {
  HostJobs,
  type HostModel,
  type InferenceRequest,
  type InferenceResult,
  type LoadResult,
  notLoaded,
} from './host-jobs.ts';
import type { HostLimits } from './host-limits.ts';
import type { AbortNotice } from './job.ts';
import { LoadedModels } from './loaded-models.ts';
import type { PluginProcess } from './plugin-process.ts';
import { QueueBudget } from './queue-budget.ts';
import type { SmiJob } from './smi-job.ts';
import { TaskLine, type TaskRequest } from './task-line.ts';
import { WorkLine } from './work-line.ts';

export interface HostWorkEvents {
  /** The plugin answered in the terms of the contract. */
  answered(): void;
  /** Nothing waits and nothing is under way. */
  idle(): void;
  /** The process has to go, for this reason. */
  kill(reason: string): void;
  /** A sign that the process is dying. */
  dying(): void;
}

/**
 * All that is asked of one plugin, across its processes: the models it should have, the line of its SMI
 * calls, and the lines of the models in its engine. Knows nothing of when a process starts or ends.
 */
export class HostWork {
  readonly #models: LoadedModels;
  readonly #jobs: HostJobs;
  readonly #line: WorkLine;
  readonly #engine: EngineLine;
  readonly #tasks: TaskLine;
  #process: PluginProcess | null = null;

  constructor(options: {
    readonly limits: HostLimits;
    readonly clock: Clock;
    readonly events: HostWorkEvents;
  }) {
    const { limits, clock } = options;
    this.#models = new LoadedModels(limits, clock);
    this.#jobs = new HostJobs(limits, clock);
    const events = {
      ...options.events,
      admit: (job: SmiJob) => this.#admit(job),
      idle: () => {
        if (this.empty) options.events.idle();
      },
    };
    const budget = new QueueBudget(limits);
    this.#line = new WorkLine({ limits, clock, budget, events });
    this.#engine = new EngineLine({ limits, clock, budget, events });
    const obstacle = (modelId: string) => this.#models.obstacle(modelId);
    this.#tasks = new TaskLine({ limits, clock, events: { ...events, obstacle } });
  }

  get empty(): boolean {
    return this.#line.empty && this.#engine.empty && this.#tasks.empty;
  }

  /** True while the plugin's own loop has work of ours, all of which has a deadline. */
  get busy(): boolean {
    return this.#line.busy || !this.#tasks.empty;
  }

  /** Models that can be run. */
  get modelIds(): string[] {
    return this.#models.ids;
  }

  /** Models that a new process is to load. */
  get modelCount(): number {
    return this.#models.size;
  }

  get engineModels(): readonly EngineModel[] {
    return this.#engine.models;
  }

  engineModel(modelId: string): EngineModel | null {
    return this.#engine.find(modelId);
  }

  async load(model: HostModel): Promise<LoadResult> {
    let attached: Promise<void> = Promise.resolve();
    const loaded = await this.#accept(
      this.#jobs.load(
        model,
        () => (this.#process?.engine ?? null) !== null,
        (answer) => {
          this.#models.add(model);
          attached = this.#attach(model, answer);
          // Awaited below, once the job is settled.
          attached.catch(() => undefined);
        },
      ),
    );
    try {
      await attached;
    } catch (error) {
      await this.unload(model.modelId);
      throw error;
    }
    return loaded;
  }

  /** Accepted requests for it are answered first. */
  async unload(modelId: string): Promise<void> {
    try {
      await this.#tasks.drained(modelId);
      await this.#engine.drained(modelId);
      const inEngine = this.#engine.find(modelId);
      await this.#accept(this.#jobs.unload(modelId));
      inEngine?.engine.dropModel(inEngine.handle);
    } catch (error) {
      if (MlosError.from(error).code !== 'PLUGIN_CRASHED') throw error;
    }
  }

  infer(request: InferenceRequest): Promise<InferenceResult> {
    const answer = this.#engine.infer(request, request.signal);
    if (answer === null && request.sequence !== undefined) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `${request.modelId} keeps nothing from request to request; leave the sequence out.`,
      );
    }
    return answer ?? this.#accept(this.#jobs.infer(request), request.signal);
  }

  /** Errors: those of the plugin, TOO_MANY_REQUESTS, DEADLINE_EXCEEDED, CANCELLED, PLUGIN_… */
  runTask(request: TaskRequest): Promise<TaskResult> {
    return this.#tasks.run(request);
  }

  call(
    method: string,
    params: Readonly<Record<string, unknown>>,
  ): Promise<Record<string, unknown>> {
    return this.#accept(this.#jobs.other(method, params));
  }

  /** A new process is given its models; then `onDone`. */
  reload(process: PluginProcess, onDone: () => void): void {
    this.#process = process;
    this.#models.reload(process, (model, loaded) => this.#attach(model, loaded), onDone);
  }

  /** The process takes work. */
  ready(process: PluginProcess, concurrency: number): void {
    for (const { modelId } of this.#engine.models) {
      const obstacle = this.#models.obstacle(modelId);
      if (obstacle !== null) this.#engine.remove(modelId, obstacle);
    }
    this.#line.attach(process, concurrency);
    this.#tasks.attach(process);
  }

  /** The process is dead: what it worked on gets `error`, the rest waits for the next one. */
  detach(reason: string, error: MlosError): void {
    this.#process = null;
    this.#models.processDied(reason);
    this.#line.detach(error);
    this.#engine.detach(error);
    this.#tasks.detach(error);
  }

  /** Nobody will serve what waits. */
  rejectWaiting(error: MlosError): void {
    this.#line.rejectWaiting(error);
    this.#engine.rejectWaiting(error);
    this.#tasks.rejectWaiting(error);
  }

  /** No process is to have this model any more. */
  forget(modelId: string, error = notLoaded(modelId)): void {
    this.#models.remove(modelId);
    this.#engine.remove(modelId, error);
  }

  /** No process is to have any of them; what waits gets `error`. */
  clear(error: MlosError): void {
    this.rejectWaiting(error);
    this.#models.clear();
    for (const { modelId } of this.#engine.models) this.#engine.remove(modelId, error);
  }

  #accept<T>(job: SmiJob<T>, signal?: AbortNotice): Promise<T> {
    this.#line.add(job as SmiJob<unknown>, signal);
    return job.promise;
  }

  /** Rejects where no channel to it can be had. Throws where the plugin promised no engine. */
  #attach(model: HostModel, loaded: LoadResult): Promise<void> {
    const engine: HostEngine | null = this.#process?.engine ?? null;
    const inEngine = engineModel(engine, model, loaded);
    if (inEngine !== null) return this.#engine.attach(inEngine);
    this.#engine.remove(model.modelId, notLoaded(model.modelId));
    return Promise.resolve();
  }

  /** Last look before a request goes to the plugin. */
  #admit(job: SmiJob): MlosError | null {
    if (job.spec.kind === 'unload') this.forget(job.spec.modelId);
    return job.spec.kind === 'infer' ? this.#models.obstacle(job.spec.modelId) : null;
  }
}
