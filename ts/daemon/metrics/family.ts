import type { Metric } from 'prom-client';
import { timeBoundsUs } from '../../protocol/histogram.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Labels;
  /** Counts between the bounds; the last bucket is open. */
  readonly buckets: readonly number[];
  readonly sum: number;
}

/** One metric with all its series, as they are now. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly values: readonly (Sample & { readonly metricName?: string })[];
}

export function counter(name: string, help: string, values: readonly Sample[]): Family {
  return { name, help, type: 'counter', values };
}

export function gauge(name: string, help: string, values: readonly Sample[]): Family {
  return { name, help, type: 'gauge', values };
}

export function histogram(
  name: string,
  help: string,
  bounds: readonly number[],
  samples: readonly HistogramSample[],
): Family {
  const values = samples.flatMap(({ labels, buckets, sum }) => {
    let count = 0;
    const series = [...bounds, Number.POSITIVE_INFINITY].map((bound, index) => {
      count += buckets[index] ?? 0;
      const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound);
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
    });
    return [
      ...series,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  });
  return { name, help, type: 'histogram', values };
}

const timeBoundsSeconds = timeBoundsUs.map((us) => us / 1e6);

/** `sum` in seconds, too. */
export function secondsHistogram(
  name: string,
  help: string,
  samples: readonly HistogramSample[],
): Family {
  return histogram(name, help, timeBoundsSeconds, samples);
}

export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

/** The Prometheus text format. The library is loaded by the first who asks. */
export async function metricsPage(families: readonly Family[]): Promise<MetricsPage> {
  const { Registry } = await import('prom-client');
  const registry = new Registry();
  for (const family of families) {
    // What a registry writes is what a metric's `get` gives; the counting has been done elsewhere.
    registry.registerMetric({ ...family, get: async () => family } as unknown as Metric);
  }
  return { contentType: registry.contentType, text: await registry.metrics() };
}
