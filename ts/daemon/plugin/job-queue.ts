import type { JobSpec } from './job.ts';
import type { QueueBudget } from './queue-budget.ts';

/** Jobs that wait, first in first out. What they may take together is the budget's to say. */
export class JobQueue<J extends { readonly spec: JobSpec }> {
  readonly #budget: QueueBudget;
  #jobs: J[] = [];

  constructor(budget: QueueBudget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#jobs.length;
  }

  /** The next one of which that is so; it stays. */
  first(isMeant: (job: J) => boolean): J | undefined {
    return this.#jobs.find(isMeant);
  }

  /** Throws TOO_MANY_REQUESTS where there is no room. */
  push(job: J): void {
    this.#budget.take(job.spec.bytes);
    this.#jobs.push(job);
  }

  shift(): J | undefined {
    const job = this.#jobs.shift();
    if (job !== undefined) this.#budget.give(job.spec.bytes);
    return job;
  }

  /** Puts back what was taken and not begun, in its old order, before all others. */
  putBack(jobs: readonly J[]): void {
    this.#jobs.unshift(...jobs);
    for (const job of jobs) this.#budget.takeBack(job.spec.bytes);
  }

  /** True where the job waited here. */
  remove(job: J): boolean {
    const index = this.#jobs.indexOf(job);
    if (index < 0) return false;
    this.#jobs.splice(index, 1);
    this.#budget.give(job.spec.bytes);
    return true;
  }

  takeAll(): J[] {
    const jobs = this.#jobs;
    this.#jobs = [];
    for (const job of jobs) this.#budget.give(job.spec.bytes);
    return jobs;
  }
}
