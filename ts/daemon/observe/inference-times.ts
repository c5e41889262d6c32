import { TimeHistogram } from './time-histogram.ts';

/** What the daemon's own inferences of one model took beside waiting and running. */
export interface TransportTimes {
  /** All of it: reading the request, and the way to the model's process and back. */
  readonly transport: TimeHistogram;
  /** The part of it that went into reading inputs. */
  inputUs: number;
}

/** By model id. Attached apps go past the daemon, so theirs are not here. */
export class InferenceTimes {
  readonly #models = new Map<string, TransportTimes>();

  add(modelId: string, inputUs: number, transportUs: number): void {
    let times = this.#models.get(modelId);
    if (times === undefined) {
      times = { transport: new TimeHistogram(), inputUs: 0 };
      this.#models.set(modelId, times);
    }
    times.inputUs += inputUs;
    // Three clocks take part: their difference may fall below nothing.
    times.transport.add(Math.max(0, transportUs));
  }

  get(modelId: string): TransportTimes | undefined {
    return this.#models.get(modelId);
  }

  /** Lets go of models that are no more. */
  keepOnly(exists: (modelId: string) => boolean): void {
    for (const id of this.#models.keys()) if (!exists(id)) this.#models.delete(id);
  }
}
