import { MlosError } from '../../protocol/errors.ts';
import type { HostLimits } from './host-limits.ts';
import type { Job } from './job.ts';

/** Jobs that wait, first in first out, bounded in number and bytes. */
export class JobQueue {
  readonly #limits: HostLimits;
  #jobs: Job[] = [];
  #bytes = 0;

  constructor(limits: HostLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#jobs.length;
  }

  /** Throws TOO_MANY_REQUESTS where it is full. */
  push(job: Job): void {
    const { pluginQueue, pluginQueueBytes } = this.#limits;
    if (this.#jobs.length >= pluginQueue) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `${this.#jobs.length} requests wait for this plugin already; the limit is ${pluginQueue}.`,
      );
    }
    // A request that is alone may be as large as the link takes; a queue of such may not.
    if (this.#jobs.length > 0 && this.#bytes + job.spec.bytes > pluginQueueBytes) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `Requests of ${this.#bytes} bytes wait for this plugin already; the limit is ${pluginQueueBytes}.`,
      );
    }
    this.#jobs.push(job);
    this.#bytes += job.spec.bytes;
  }

  shift(): Job | undefined {
    const job = this.#jobs.shift();
    if (job !== undefined) this.#bytes -= job.spec.bytes;
    return job;
  }

  /** Puts back what was taken and not begun, in its old order, before all others. */
  putBack(jobs: readonly Job[]): void {
    this.#jobs.unshift(...jobs);
    for (const job of jobs) this.#bytes += job.spec.bytes;
  }

  /** True where the job waited here. */
  remove(job: Job): boolean {
    const index = this.#jobs.indexOf(job);
    if (index < 0) return false;
    this.#jobs.splice(index, 1);
    this.#bytes -= job.spec.bytes;
    return true;
  }

  takeAll(): Job[] {
    const jobs = this.#jobs;
    this.#jobs = [];
    this.#bytes = 0;
    return jobs;
  }
}
