import type { ErrorCode } from '../../protocol/error-codes.ts';
import { TimeHistogram } from './time-histogram.ts';

interface MethodCounts {
  readonly byDoor: Map<string, Map<string, number>>;
  readonly times: TimeHistogram;
}

/**
 * Requests by method, door and outcome. There are as many of each as the tables of methods, doors and error
 * codes have; whoever adds must not pass on what a client wrote.
 */
export class RequestCounts {
  readonly #methods = new Map<string, MethodCounts>();

  add(method: string, door: string, outcome: 'OK' | ErrorCode, durationUs: number): void {
    let counts = this.#methods.get(method);
    if (counts === undefined) {
      counts = { byDoor: new Map(), times: new TimeHistogram() };
      this.#methods.set(method, counts);
    }
    let outcomes = counts.byDoor.get(door);
    if (outcomes === undefined) {
      outcomes = new Map();
      counts.byDoor.set(door, outcomes);
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    counts.times.add(durationUs);
  }

  *counts(): Generator<{ method: string; door: string; code: string; count: number }> {
    for (const [method, { byDoor }] of this.#methods) {
      for (const [door, outcomes] of byDoor) {
        for (const [code, count] of outcomes) yield { method, door, code, count };
      }
    }
  }

  *times(): Generator<{ method: string; times: TimeHistogram }> {
    for (const [method, { times }] of this.#methods) yield { method, times };
  }
}
