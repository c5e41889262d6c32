import { availableParallelism } from 'node:os';

/** How the engines of all plugin processes are to run; from the configuration. */
export interface EngineSettings {
  /** The most microseconds that an idle worker spins before it sleeps. */
  readonly spinUs: number;
  readonly reservedCpus: readonly number[];
  readonly lockMemory: boolean;
  /** Put large channels on huge pages where the host has some. */
  readonly hugePages: boolean;
}

export const defaultEngineSettings: EngineSettings = {
  // On one core whoever spins keeps the other side from running.
  spinUs: availableParallelism() > 1 ? 50 : 0,
  reservedCpus: [],
  lockMemory: false,
  hugePages: false,
};

/** Numbers of channels: no two in the life of one daemon. */
export class ChannelIds {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}
