import type { Clock } from './clock.ts';
import { Job, type JobSpec } from './job.ts';

export interface SmiMessage<T> {
  /** May throw: then nothing is sent and the caller gets the error. */
  readonly encode: (id: number) => readonly Uint8Array[];
  /** Reads the result. Throws where it breaks the contract. */
  readonly decode: (result: unknown, job: Job<T>) => T;
}

/** A request that travels as an SMI message. */
export class SmiJob<T = unknown> extends Job<T> {
  readonly message: SmiMessage<T>;

  constructor(spec: JobSpec, message: SmiMessage<T>, clock: Clock) {
    super(spec, clock);
    this.message = message;
  }
}
