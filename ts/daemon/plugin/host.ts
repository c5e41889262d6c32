import type { Logger } from 'pino';
import { MlosError } from '../../protocol/errors.ts';
import type { Hello, TaskResult } from '../../smi/from-plugin.ts';
import { bounded, type Clock, systemClock, type Timer } from './clock.ts';
import type { PluginDescriptor } from './descriptor.ts';
import type { EngineChannel } from './engine/engine-channel.ts';
import type { EngineModel } from './engine/engine-model.ts';
import { ChannelIds, defaultEngineSettings } from './engine/engine-settings.ts';
import { EngineWatch, hasAnswered } from './engine/engine-watch.ts';
import type { EngineChannelRequest } from './engine/host-engine.ts';
import { Heartbeat } from './heartbeat.ts';
import type { HostModel, InferenceRequest, InferenceResult, LoadResult } from './host-jobs.ts';
import { type HostLimits, hostLimits } from './host-limits.ts';
import type { HostOptions, HostStatus } from './host-options.ts';
import { type HostEvent, type HostState, processOf, transition } from './host-state.ts';
import { HostWork } from './host-work.ts';
import { cancelled } from './job.ts';
import { type Death, PluginProcess } from './plugin-process.ts';
import { RestartPolicy } from './restart-policy.ts';
import type { TaskRequest } from './task-line.ts';
import { Waiters } from './waiters.ts';

/**
 * One supervised plugin process: queue, deadlines, restarts. It outlives any number of processes; a
 * crash costs the request that was running, and nothing else that was accepted.
 */
export class PluginHost {
  readonly descriptor: PluginDescriptor;
  readonly #options: HostOptions;
  readonly #logger: Logger;
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  readonly #work: HostWork;
  readonly #engineWatch: EngineWatch;
  readonly #channelIds: ChannelIds;
  readonly #heartbeat: Heartbeat;
  readonly #policy: RestartPolicy;
  readonly #started = new Waiters();
  readonly #idle = new Waiters();
  #state: HostState = { state: 'stopped' };
  #hello: Hello | null = null;
  #restartTimer: Timer | null = null;
  #restarts = 0;
  #stopping: Promise<void> | null = null;

  constructor(options: HostOptions) {
    this.descriptor = options.descriptor;
    this.#options = options;
    this.#logger = options.logger.child({ plugin: options.descriptor.id });
    this.#limits = { ...hostLimits, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    const [limits, clock] = [this.#limits, this.#clock];
    this.#policy = new RestartPolicy(limits);
    this.#channelIds = options.channelIds ?? new ChannelIds();
    const events = {
      answered: () => this.#policy.succeed(),
      idle: () => this.#idle.resolve(),
      kill: (reason: string) => processOf(this.#state)?.kill(reason),
      dying: () => processOf(this.#state)?.signOfDeath(),
    };
    this.#work = new HostWork({ limits, clock, events });
    this.#engineWatch = new EngineWatch({ limits, clock, models: () => this.#work.engineModels });
    const isBusy = () => {
      // Both are asked: the watch compares with what it saw the last time.
      const getsOn = this.#engineWatch.getsOn(processOf(this.#state)?.engine ?? null);
      return this.#work.busy || getsOn;
    };
    this.#heartbeat = new Heartbeat({ limits, clock, isBusy });
  }

  get status(): HostStatus {
    const state = this.#state;
    return {
      state: state.state,
      reason: state.state === 'crashed' ? state.reason : null,
      pid: processOf(state)?.pid ?? null,
      restarts: this.#restarts,
      startedAt: state.state === 'ready' ? state.since : null,
      models: this.#work.modelIds,
      runner: this.#work.engineModels[0]?.entry.runner ?? this.#hello?.runner ?? null,
      restingUntil: state.state === 'crashed' ? state.restingUntil : null,
    };
  }

  /** Resolves when the plugin is ready. Rejects PLUGIN_UNAVAILABLE. */
  async start(): Promise<void> {
    if (this.#state.state === 'ready' && this.#stopping === null) return;
    const state = this.#state;
    // A plugin that was given up is tried again when somebody asks for it by name.
    if (state.state === 'crashed' && state.restingUntil === null) this.#begin();
    else this.#wake();
    await this.#started.wait();
  }

  /** Errors: MODEL_LOAD_FAILED with the runtime's reason, UNIMPLEMENTED, PLUGIN_… */
  async load(model: HostModel): Promise<LoadResult> {
    this.#wake();
    return this.#work.load(model);
  }

  /** After it the process holds nothing of the model, be it that the process is gone. */
  async unload(modelId: string): Promise<void> {
    if (processOf(this.#state) === null) this.#work.forget(modelId);
    else await this.#work.unload(modelId);
  }

  async infer(request: InferenceRequest): Promise<InferenceResult> {
    this.#wake();
    if (request.signal?.aborted === true) throw cancelled();
    return this.#work.infer(request);
  }

  /** Does what a loaded model's tasks say. Errors: those of the plugin, TOO_MANY_REQUESTS, CANCELLED, PLUGIN_… */
  async runTask(request: TaskRequest): Promise<TaskResult> {
    this.#wake();
    if (request.signal?.aborted === true) throw cancelled();
    return this.#work.runTask(request);
  }

  /** A loaded model as the engine has it; null where it is not loaded or its plugin has no engine. */
  engineModel(modelId: string): EngineModel | null {
    return this.#work.engineModel(modelId);
  }

  /** The models in its engine; null where it has none, or does not run. */
  get engineModels(): readonly EngineModel[] | null {
    const engine = processOf(this.#state)?.engine ?? null;
    return engine === null
      ? null
      : this.#work.engineModels.filter((model) => model.engine === engine);
  }

  /** A channel to a loaded model, for a client elsewhere. Errors: UNIMPLEMENTED, PLUGIN_…, TOO_MANY_REQUESTS. */
  async openChannel(
    modelId: string,
    request: Omit<EngineChannelRequest, 'handle'>,
  ): Promise<EngineChannel> {
    await this.start();
    const model = this.#work.engineModel(modelId);
    if (model !== null) return model.engine.openChannel({ ...request, handle: model.handle });
    throw new MlosError(
      'UNIMPLEMENTED',
      `${modelId} runs in plugin ${this.descriptor.id}, which has no engine; use models.infer.`,
    );
  }

  /** The rest of the contract: register_model, get_model_info, allocate_resources, health … */
  async call(
    method: string,
    params: Readonly<Record<string, unknown>>,
  ): Promise<Record<string, unknown>> {
    this.#wake();
    return this.#work.call(method, params);
  }

  /** Accepted requests finish (for at most drainMs, where given), then the process is ended. */
  stop(options: { readonly drainMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(options.drainMs).finally(() => {
      this.#stopping = null;
    });
    return this.#stopping;
  }

  #apply(event: HostEvent): void {
    this.#state = transition(this.#state, event);
    this.#options.onStateChange?.(this.status);
  }

  #unavailable(why: string): MlosError {
    return new MlosError('PLUGIN_UNAVAILABLE', `Plugin ${this.descriptor.id} ${why}`);
  }

  /** Why nothing can be asked of the plugin now, or null. */
  #refusal(): MlosError | null {
    const state = this.#state;
    if (this.#stopping !== null || state.state === 'draining') {
      return this.#unavailable('is being stopped; try again when it has.');
    }
    if (state.state !== 'crashed' || !state.refusing) return null;
    if (state.restingUntil === null)
      return this.#unavailable(`cannot be used: it ${state.reason}.`);
    if (this.#clock.now() >= state.restingUntil) return null;
    const until = new Date(state.restingUntil).toISOString();
    return this.#unavailable(`keeps crashing and rests until ${until}: it ${state.reason}.`);
  }

  /** Somebody needs the plugin: starts it, or sees to it that it will be. Throws PLUGIN_UNAVAILABLE. */
  #wake(): void {
    const refusal = this.#refusal();
    if (refusal !== null) throw refusal;
    if (this.#state.state === 'stopped') this.#begin();
    else if (this.#state.state === 'crashed') this.#scheduleRestart(this.#state.restingUntil ?? 0);
  }

  #scheduleRestart(at: number): void {
    this.#restartTimer ??= this.#clock.after(at - this.#clock.now(), () => this.#begin());
  }

  #begin(): void {
    this.#restartTimer?.cancel();
    this.#restartTimer = null;
    if (this.#state.state === 'crashed') this.#restarts += 1;
    this.#apply({ type: 'start' });
    let process: PluginProcess;
    try {
      process = new PluginProcess({
        descriptor: this.descriptor,
        hostId: this.#options.hostId,
        logger: this.#logger,
        limits: this.#limits,
        clock: this.#clock,
        environment: this.#options.environment ?? globalThis.process.env,
        engine: this.#options.engine ?? defaultEngineSettings,
        channelIds: this.#channelIds,
        onGreeted: (hello) => this.#onGreeted(process, hello),
        onDeath: (death) => {
          if (processOf(this.#state) === process) this.#onDeath(death);
        },
      });
    } catch (error) {
      this.#onDeath({ reason: MlosError.from(error).message, permanent: false });
      return;
    }
    this.#apply({ type: 'spawned', process });
  }

  #onGreeted(process: PluginProcess, hello: Hello): void {
    this.#hello = hello;
    const { name, version } = this.descriptor;
    if (hello.name !== name || hello.version !== version) {
      this.#logger.warn(`calls itself ${hello.name} ${hello.version}, unlike its plugin.yaml`);
    }
    this.#work.reload(process, () => this.#onReady(process, hello));
  }

  #onReady(process: PluginProcess, hello: Hello): void {
    // A stop may have come meanwhile.
    if (this.#state.state !== 'starting') return;
    this.#apply({ type: 'ready', process, at: this.#clock.now() });
    this.#logger.info({ pluginPid: process.pid, runner: hello.runner }, 'plugin ready');
    this.#heartbeat.start(process);
    const { engine } = process;
    if (engine !== null) this.#engineWatch.start(engine, (reason) => process.kill(reason));
    this.#started.resolve();
    this.#work.ready(process, hello.concurrency ?? this.descriptor.concurrency ?? 1);
  }

  #onDeath(death: Death): void {
    const { state } = this.#state;
    this.#heartbeat.stop();
    this.#engineWatch.stop();
    if (state === 'draining') {
      this.#work.detach(death.reason, this.#crashed(death, 'It was being stopped.'));
      this.#work.rejectWaiting(this.#unavailable('was stopped.'));
      return;
    }
    if (hasAnswered(processOf(this.#state)?.engine ?? null)) this.#policy.succeed();
    const since = this.#state.state === 'ready' ? this.#state.since : this.#clock.now();
    const pause = this.#policy.crash(this.#clock.now() - since);
    const restingUntil = death.permanent ? null : this.#clock.now() + pause.ms;
    const refusing = pause.open || death.permanent;
    this.#apply({ type: 'crash', reason: death.reason, restingUntil, refusing });
    this.#logger.warn({ reason: death.reason, pauseMs: pause.ms, refusing }, 'plugin died');
    this.#work.detach(death.reason, this.#crashed(death, 'It is being restarted.'));
    this.#started.reject(this.#unavailable(`did not start: it ${death.reason}.`));
    if (refusing) this.#work.rejectWaiting(this.#refusal() ?? this.#unavailable('crashed.'));
    const wanted = state === 'ready' || this.#work.modelCount > 0 || !this.#work.empty;
    if (restingUntil !== null && wanted) this.#scheduleRestart(restingUntil);
  }

  #crashed(death: Death, then: string): MlosError {
    return new MlosError(
      'PLUGIN_CRASHED',
      `Plugin ${this.descriptor.id} failed while it worked on this request: it ${death.exit ?? death.reason}. ${then}`,
    );
  }

  async #stop(drainMs: number | undefined): Promise<void> {
    if (this.#state.state === 'starting' && !this.#work.empty) {
      const settled = this.#started.wait().catch(() => undefined);
      await bounded(this.#clock, settled, drainMs);
    }
    this.#restartTimer?.cancel();
    this.#restartTimer = null;
    if (this.#state.state === 'stopped') return;
    const process = processOf(this.#state);
    this.#apply({ type: 'drain' });
    if (process !== null) {
      if (!this.#work.empty) await bounded(this.#clock, this.#idle.wait(), drainMs);
      this.#heartbeat.stop();
      this.#engineWatch.stop();
      await process.terminate();
    }
    this.#work.clear(this.#unavailable('was stopped.'));
    this.#apply({ type: 'stop' });
  }
}
