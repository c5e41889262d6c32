import { type Answer, foundNoRoom } from '../../../native/client-channel.ts';
import type { EngineModelStats } from '../../../native/engine-stats.ts';
import type { ErrorCode } from '../../../protocol/error-codes.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { Clock } from '../clock.ts';
import type { InferenceRequest, InferenceResult } from '../host-jobs.ts';
import type { HostLimits } from '../host-limits.ts';
import { type AbortNotice, cancelled, deadlineExceeded } from '../job.ts';
import { JobQueue } from '../job-queue.ts';
import type { QueueBudget } from '../queue-budget.ts';
import { Waiters } from '../waiters.ts';
import { ChannelJob } from './channel-job.ts';
import type { EngineModel } from './engine-model.ts';
import { isStuck, runs } from './engine-watch.ts';
import type { ModelChannel, Unanswered } from './model-channel.ts';
import { ModelChannels } from './model-channels.ts';
import { packRequest } from './packed-request.ts';
import { readAnswer } from './read-answer.ts';

export interface ModelLineEvents {
  /** The plugin answered in the terms of the contract. */
  answered(): void;
  /** Nothing waits here and nothing is under way. */
  idle(): void;
  /** The process has to go, for this reason. */
  kill(reason: string): void;
  /** A sign that the process is dying. */
  dying(): void;
}

interface Place {
  readonly channel: ModelChannel;
  readonly id: number;
}

/**
 * The requests for one model of an engine: those that wait and those in its channels. When the process
 * dies, what had not been begun waits for the next one.
 */
export class ModelLine {
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  readonly #events: ModelLineEvents;
  readonly #queue: JobQueue<ChannelJob>;
  readonly #places = new Map<ChannelJob, Place>();
  /** Sequences of which a request is under way: the next one waits for its answer. */
  readonly #sequences = new Set<string>();
  readonly #drained = new Waiters();
  /** The last that was attached; its signature is that of the model, also while the process restarts. */
  #model: EngineModel;
  #channels: ModelChannels | null = null;

  constructor(options: {
    readonly model: EngineModel;
    readonly limits: HostLimits;
    readonly clock: Clock;
    readonly budget: QueueBudget;
    readonly events: ModelLineEvents;
  }) {
    this.#model = options.model;
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#events = options.events;
    this.#queue = new JobQueue(options.budget);
  }

  get model(): EngineModel {
    return this.#model;
  }

  get empty(): boolean {
    return this.#queue.length === 0 && this.#places.size === 0;
  }

  get busy(): boolean {
    return this.#places.size > 0;
  }

  /** Errors: TOO_MANY_REQUESTS, MISSING_INPUT, UNKNOWN_INPUT. */
  add(request: InferenceRequest, signal?: AbortNotice): Promise<InferenceResult> {
    const packed = packRequest(this.#model.signature, request);
    const job = new ChannelJob(request, packed, this.#clock);
    this.#queue.push(job);
    job.arm(this.#clock.after(request.timeoutMs, () => this.#onDeadline(job)));
    if (signal !== undefined) job.listen(signal, () => this.#cancel(job));
    this.#pump();
    return job.promise;
  }

  /** The model is in an engine (again). Resolves when requests can go there. */
  async attach(model: EngineModel): Promise<void> {
    const before = this.#channels;
    const channels = new ModelChannels({
      model,
      limits: this.#limits,
      clock: this.#clock,
      events: {
        answered: (job, answer) => this.#onAnswer(job, answer),
        room: () => this.#pump(),
        refused: (error) => this.#onRefused(error),
        lost: (left, code) => this.#onLost(left, code),
        ended: () => this.#events.dying(),
      },
    });
    this.#model = model;
    this.#channels = channels;
    // Loaded anew under the same id: the engine has closed the channels of the one before.
    if (before !== null) this.#putBack(before.takePending(), null);
    await channels.open();
  }

  /** The process is gone: what it had begun gets `error`, the rest waits. */
  detach(error: MlosError): void {
    const channels = this.#channels;
    this.#channels = null;
    if (channels !== null) this.#putBack(channels.takePending(), error);
    this.#tellIdle();
  }

  /** Nobody will serve what waits. */
  rejectWaiting(error: MlosError): void {
    for (const job of this.#queue.takeAll()) this.#finish(job, error);
    this.#tellIdle();
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drained(): Promise<void> {
    if (!this.empty) await this.#drained.wait();
  }

  #pump(): void {
    for (let job = this.#next(); job !== undefined; job = this.#next()) {
      let place: Place | null;
      try {
        place = this.#channels?.submit(job) ?? null;
      } catch (error) {
        this.#queue.remove(job);
        this.#finish(job, MlosError.from(error));
        continue;
      }
      if (place === null) break;
      this.#queue.remove(job);
      job.begunAt = this.#clock.now();
      this.#places.set(job, place);
      if (job.packed.sequence !== null) this.#sequences.add(job.packed.sequence.id);
    }
    this.#tellIdle();
  }

  /** The first whose turn it is. Channels that follow one another would not keep a sequence's order. */
  #next(): ChannelJob | undefined {
    return this.#queue.first(
      ({ packed: { sequence } }) => sequence === null || !this.#sequences.has(sequence.id),
    );
  }

  /** The job is in no channel any more. */
  #leave(job: ChannelJob): void {
    this.#places.delete(job);
    if (job.packed.sequence !== null) this.#sequences.delete(job.packed.sequence.id);
  }

  #onAnswer(job: ChannelJob, answer: Answer): void {
    this.#leave(job);
    const { code } = answer;
    if (foundNoRoom(answer) && !job.settled && this.#channels?.growFor(job) === true) {
      job.begunAt = null;
      this.#queue.putBack([job]);
      return;
    }
    if (code !== null) {
      this.#events.answered();
      this.#finish(job, new MlosError(code, answer.message || `The engine answers ${code}.`));
      return;
    }
    try {
      if (!job.settled) job.resolve(this.#read(job, answer));
      job.release();
      this.#events.answered();
    } catch (thrown) {
      const reason = `broke the contract: ${MlosError.from(thrown).message}`;
      this.#finish(job, new MlosError('PLUGIN_CRASHED', `The plugin ${reason}.`));
      // After the answers that are being read.
      queueMicrotask(() => this.#events.kill(reason));
    }
  }

  #read(job: ChannelJob, answer: Answer): InferenceResult {
    const waitedMs = (job.begunAt ?? job.acceptedAt) - job.acceptedAt;
    return {
      outputs: readAnswer(this.#model.signature, job.packed, answer),
      inferenceTimeUs: Math.round(answer.runNs / 1000),
      queueTimeUs: Math.max(0, Math.round(waitedMs * 1000 + answer.queueNs / 1000)),
    };
  }

  /** A larger channel cannot be had: what asks for it is told. */
  #onRefused(error: MlosError): void {
    const job = this.#next();
    if (job !== undefined && this.#queue.remove(job)) this.#finish(job, error);
    this.#pump();
  }

  #onLost(left: readonly Unanswered[], code: ErrorCode): void {
    const what = `The engine closed the channel to ${this.#model.modelId}: ${code}.`;
    this.#putBack(left, new MlosError(code, what));
    const channels = this.#channels;
    channels?.open().catch((thrown: unknown) => {
      if (this.#channels === channels) this.rejectWaiting(MlosError.from(thrown));
    });
  }

  /** `error`: for what was begun; null: all of it can be asked again. */
  #putBack(left: readonly Unanswered[], error: MlosError | null): void {
    const again: ChannelJob[] = [];
    for (const { job, begun } of left) {
      this.#leave(job);
      job.begunAt = null;
      if (job.settled) job.release();
      else if (begun && error !== null) this.#finish(job, error);
      else again.push(job);
    }
    this.#queue.putBack(again);
  }

  #finish(job: ChannelJob, error: MlosError): void {
    job.release();
    if (!job.settled) job.reject(error);
  }

  #tellIdle(): void {
    if (!this.empty) return;
    this.#drained.resolve();
    this.#events.idle();
  }

  #cancel(job: ChannelJob): void {
    if (this.#queue.remove(job)) {
      this.#finish(job, cancelled());
      this.#tellIdle();
      return;
    }
    // Its deadline stays in force: the runtime may not be able to end the run.
    if (!job.settled) job.reject(cancelled());
    this.#callOff(job);
  }

  #onDeadline(job: ChannelJob): void {
    const place = this.#places.get(job);
    const begun = place?.channel.wasBegun(place.id) ?? false;
    const error = deadlineExceeded(job.acceptedAt, this.#clock.now(), begun);
    if (this.#queue.remove(job)) {
      this.#finish(job, error);
      this.#tellIdle();
      return;
    }
    if (!job.settled) job.reject(error);
    this.#callOff(job);
    this.#armGrace(job, begun);
  }

  #callOff(job: ChannelJob): void {
    const place = this.#places.get(job);
    place?.channel.cancel(place.id);
  }

  /**
   * What the engine cannot end, ends with its process. The request itself may have been answered long
   * since: what counts is the run.
   */
  #armGrace(job: ChannelJob, wasBegun: boolean): void {
    const { overdueGraceMs } = this.#limits;
    const model = this.#model;
    this.#clock.after(
      overdueGraceMs,
      () => {
        if (this.#model !== model) return;
        const row = rowOf(model);
        const place = this.#places.get(job);
        const begun = place?.channel.wasBegun(place.id) ?? false;
        // The engine hears of a deadline a little later than we do.
        const stuck = wasBegun && row !== undefined && isStuck(row, overdueGraceMs / 2);
        // It may stand behind others that have every right to run.
        const idle = row === undefined || !runs(row);
        if (begun || stuck || (place !== undefined && idle)) {
          this.#events.kill(`was still busy ${overdueGraceMs} ms after a request's deadline`);
        } else if (place !== undefined) this.#armGrace(job, false);
      },
      'background',
    );
  }
}

function rowOf({ engine, handle }: EngineModel): EngineModelStats | undefined {
  return engine.stats().find((row) => row.handle === handle);
}
