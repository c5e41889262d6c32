import { MlosError } from '../../protocol/errors.ts';
import type { Clock } from './clock.ts';
import type { HostLimits } from './host-limits.ts';
import { type AbortNotice, cancelled, deadlineExceeded } from './job.ts';
import { JobQueue } from './job-queue.ts';
import type { PluginProcess } from './plugin-process.ts';
import type { QueueBudget } from './queue-budget.ts';
import type { SmiJob } from './smi-job.ts';

export interface WorkLineEvents {
  /** Last look before a job is sent: an error is its answer instead. */
  admit(job: SmiJob): MlosError | null;
  /** The plugin answered in the terms of the contract. */
  answered(job: SmiJob): void;
  /** Nothing waits and nothing is on the wire. */
  idle(): void;
}

/**
 * The jobs of one plugin: those that wait and those that are on the wire. At most concurrency + 1 are
 * sent: the plugin works on the first `concurrency` of them, the last one spares it a round trip.
 * Because a plugin begins requests in order, what stands behind those has not been begun when the
 * process dies, and can be sent again to the next one.
 */
export class WorkLine {
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  readonly #events: WorkLineEvents;
  readonly #queue: JobQueue<SmiJob>;
  #wire: SmiJob[] = [];
  #process: PluginProcess | null = null;
  #concurrency = 1;

  constructor(options: {
    limits: HostLimits;
    clock: Clock;
    budget: QueueBudget;
    events: WorkLineEvents;
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#events = options.events;
    this.#queue = new JobQueue(options.budget);
  }

  get empty(): boolean {
    return this.#queue.length === 0 && this.#wire.length === 0;
  }

  /** True while the plugin has work, all of which has a deadline. */
  get busy(): boolean {
    return this.#wire.length > 0;
  }

  /** Throws TOO_MANY_REQUESTS. */
  add(job: SmiJob, signal?: AbortNotice): void {
    this.#queue.push(job);
    if (job.spec.deadlineAt !== null) this.#armDeadline(job, job.spec.deadlineAt);
    if (signal !== undefined) job.listen(signal, () => this.#cancel(job));
    this.#pump();
  }

  /** A process is ready for work. */
  attach(process: PluginProcess, concurrency: number): void {
    this.#process = process;
    this.#concurrency = concurrency;
    this.#pump();
  }

  /** The process is dead: what it worked on gets `error`, the rest waits for the next one. */
  detach(error: MlosError): void {
    this.#process = null;
    const wire = this.#wire;
    this.#wire = [];
    const notBegun: SmiJob[] = [];
    for (const job of wire) {
      if ((job.begunAt === null || job.undelivered) && !job.settled) notBegun.push(job);
      else this.#finish(job, error);
    }
    for (const job of notBegun) {
      job.begunAt = null;
      job.undelivered = false;
    }
    this.#queue.putBack(notBegun);
  }

  /** Nobody will serve what waits. */
  rejectWaiting(error: MlosError): void {
    for (const job of this.#queue.takeAll()) this.#finish(job, error);
    this.#tellIdle();
  }

  #pump(): void {
    // A process that is seen to be dying gets nothing more: what waits is for the next one.
    while (this.#process?.dying === false && this.#wire.length <= this.#concurrency) {
      const job = this.#queue.shift();
      if (job === undefined) break;
      const refusal = this.#events.admit(job);
      if (refusal === null) this.#send(job, this.#process);
      else this.#finish(job, refusal);
    }
    this.#tellIdle();
  }

  #send(job: SmiJob, process: PluginProcess): void {
    try {
      process.link.call(
        job.message.encode,
        (error, result) => this.#onAnswer(job, error, result),
        () => {
          job.undelivered = true;
        },
      );
    } catch (error) {
      this.#finish(job, MlosError.from(error));
      return;
    }
    this.#wire.push(job);
    this.#markBegun();
  }

  /** The first `concurrency` jobs on the wire are those that the plugin works on. */
  #markBegun(): void {
    for (const job of this.#wire.slice(0, this.#concurrency)) {
      if (job.begunAt !== null) continue;
      job.begunAt = this.#clock.now();
      const { deadlineAt, runMs } = job.spec;
      if (deadlineAt === null) this.#armDeadline(job, job.begunAt + runMs);
      else if (deadlineAt <= job.begunAt) this.#armGrace(job);
    }
  }

  #onAnswer(job: SmiJob, error: MlosError | null, result: unknown): void {
    // A garbage result throws here, before the job leaves the wire: it then fails with its process.
    const value = error === null && !job.settled ? job.message.decode(result, job) : null;
    this.#wire.splice(this.#wire.indexOf(job), 1);
    this.#events.answered(job);
    if (error !== null) this.#finish(job, error);
    else {
      if (!job.settled) job.resolve(value);
      job.release();
    }
    this.#markBegun();
    this.#pump();
  }

  #finish(job: SmiJob, error: MlosError): void {
    job.release();
    if (!job.settled) job.reject(error);
  }

  #tellIdle(): void {
    if (this.empty) this.#events.idle();
  }

  #cancel(job: SmiJob): void {
    const error = cancelled();
    if (this.#queue.remove(job)) {
      this.#finish(job, error);
      this.#tellIdle();
    } else if (!job.settled) {
      // It stays on the wire, and its deadline stays in force: the plugin cannot be interrupted.
      job.reject(error);
    }
  }

  #armDeadline(job: SmiJob, at: number): void {
    job.arm(this.#clock.after(at - this.#clock.now(), () => this.#onDeadline(job)));
  }

  #onDeadline(job: SmiJob): void {
    const error = deadlineExceeded(job.acceptedAt, this.#clock.now(), job.begunAt !== null);
    if (this.#queue.remove(job)) {
      this.#finish(job, error);
      this.#tellIdle();
      return;
    }
    if (!job.settled) job.reject(error);
    if (job.begunAt !== null) this.#armGrace(job);
  }

  /** The plugin cannot be interrupted, but it can be replaced. */
  #armGrace(job: SmiJob): void {
    const { overdueGraceMs } = this.#limits;
    job.arm(
      this.#clock.after(overdueGraceMs, () => {
        this.#process?.kill(`was still busy ${overdueGraceMs} ms after a request's deadline`);
      }),
    );
  }
}
