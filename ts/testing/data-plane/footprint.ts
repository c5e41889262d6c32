import { openDescriptorsOf, residentBytesOf } from '../daemon/processes.ts';

export interface Sample {
  readonly residentMb: number;
  readonly descriptors: number;
}

function sample(pid: number): Sample {
  return {
    residentMb: residentBytesOf(pid) / 1e6,
    descriptors: openDescriptorsOf(pid).length,
  };
}

function mean(samples: readonly Sample[]): Sample {
  const of = (pick: (one: Sample) => number) =>
    samples.reduce((sum, one) => sum + pick(one), 0) / samples.length;
  return { residentMb: of((one) => one.residentMb), descriptors: of((one) => one.descriptors) };
}

export interface Growth {
  readonly name: string;
  readonly residentMb: number;
  readonly from: Sample;
  readonly to: Sample;
}

/** What processes hold over a run: its last tenth against the first one after a warm-up. */
export class Footprint {
  readonly #pids: ReadonlyMap<string, number>;
  readonly #samples = new Map<string, Sample[]>();

  constructor(pids: Readonly<Record<string, number>>) {
    this.#pids = new Map(Object.entries(pids));
    for (const name of this.#pids.keys()) this.#samples.set(name, []);
  }

  take(): void {
    for (const [name, pid] of this.#pids) this.#samples.get(name)?.push(sample(pid));
  }

  /** The first `warmUp` (0 to 1) of the samples do not count. */
  growth(warmUp: number): readonly Growth[] {
    return [...this.#samples].map(([name, all]) => {
      const counted = all.slice(Math.floor(all.length * warmUp));
      const tenth = Math.max(1, Math.floor(counted.length / 10));
      const from = mean(counted.slice(0, tenth));
      const to = mean(counted.slice(-tenth));
      return { name, residentMb: to.residentMb - from.residentMb, from, to };
    });
  }
}

/** For the diagnostics of a test. */
export function shown({ name, from, to }: Growth): string {
  const of = ({ residentMb, descriptors }: Sample) =>
    `${residentMb.toFixed(1)} MB ${descriptors.toFixed(1)} fds`;
  return `${name}: ${of(from)} → ${of(to)}`;
}
