import { TimeHistogram } from './time-histogram.ts';

/** What the daemon's own inferences of one model took beside waiting and running. */
export interface TransportTimes {
  /** All of it: reading the request, and the way to the model's process and back. */
  readonly transport: TimeHistogram;
  /** The part of it that went into reading inputs. */
  inputUs: number;
  /** How many they were. */
  count: number;
  /** When the latest was answered, in ms since the epoch. */
  lastAtMs: number;
  /** Which content of that id: another one that is registered under it begins anew. */
  readonly ordinal: number;
}

/** By model id. Attached apps go past the daemon, so theirs are not here. */
export class InferenceTimes {
  readonly #models = new Map<string, TransportTimes>();

  add(
    { id, ordinal }: { readonly id: string; readonly ordinal: number },
    inputUs: number,
    transportUs: number,
  ): void {
    let times = this.get(id, ordinal);
    if (times === undefined) {
      times = { transport: new TimeHistogram(), inputUs: 0, count: 0, lastAtMs: 0, ordinal };
      this.#models.set(id, times);
    }
    times.inputUs += inputUs;
    times.count += 1;
    times.lastAtMs = Date.now();
    // Three clocks take part: their difference may fall below nothing.
    times.transport.add(Math.max(0, transportUs));
  }

  get(modelId: string, ordinal: number): TransportTimes | undefined {
    const times = this.#models.get(modelId);
    return times?.ordinal === ordinal ? times : undefined;
  }

  /** Lets go of models that are no more. */
  keepOnly(exists: (modelId: string) => boolean): void {
    for (const id of this.#models.keys()) if (!exists(id)) this.#models.delete(id);
  }
}
