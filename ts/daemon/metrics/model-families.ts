import { batchBounds } from '../../protocol/histogram.ts';
import { counter, type Family, gauge, histogram, secondsHistogram } from './family.ts';
import type { LoadedModel, PageStats } from './loaded-models.ts';

const outcomes = ['succeeded', 'failed', 'cancelled', 'expired', 'rejected'] as const;

/** `mlos_…` of each loaded model: waiting, running and everything around them told apart. */
export function modelFamilies(models: readonly LoadedModel[]): readonly Family[] {
  const each = (value: (stats: PageStats) => number) =>
    models.map(({ labels, stats }) => ({ labels, value: value(stats) }));
  const total = (buckets: readonly number[], bounds: readonly number[]) =>
    buckets.reduce((sum, count, index) => sum + count * (bounds[index] ?? 0), 0);
  return [
    counter(
      'mlos_inferences_total',
      'Requests that the engine has done with, by outcome; those of attached apps too.',
      models.flatMap(({ labels, stats }) =>
        outcomes.map((outcome) => ({ labels: { ...labels, outcome }, value: stats[outcome] })),
      ),
    ),
    secondsHistogram(
      'mlos_queue_seconds',
      'Time that requests waited in the queue of their model.',
      models.map(({ labels, stats }) => ({
        ...{ labels, buckets: stats.queueTimes, sum: stats.queueNs / 1e9 },
      })),
    ),
    secondsHistogram(
      'mlos_compute_seconds',
      'Time that requests took to run.',
      models.map(({ labels, stats }) => ({
        ...{ labels, buckets: stats.runTimes, sum: stats.runNs / 1e9 },
      })),
    ),
    secondsHistogram(
      'mlos_transport_seconds',
      'Time of requests through the daemon beside queue and compute: reading and moving tensors.',
      models.flatMap(({ labels, times }) =>
        times === undefined
          ? []
          : [{ labels, buckets: times.transport.buckets, sum: times.transport.totalUs / 1e6 }],
      ),
    ),
    histogram(
      'mlos_batch_size',
      'Requests that ran together; the sum counts each run as the upper bound of its bucket.',
      batchBounds,
      models.map(({ labels, stats }) => ({
        labels,
        buckets: stats.batchSizes,
        sum: total(stats.batchSizes, batchBounds),
      })),
    ),
    gauge(
      'mlos_queue_length',
      'Requests that wait now.',
      each(({ queued }) => queued),
    ),
    gauge(
      'mlos_model_channels',
      "Channels open to the model, the daemon's own among them.",
      each(({ channels }) => channels),
    ),
    gauge(
      'mlos_sequences',
      'Sequences that have a state or requests.',
      each(({ sequences }) => sequences),
    ),
    gauge(
      'mlos_sequence_state_bytes',
      'Bytes of the states of all sequences.',
      each(({ stateBytes }) => stateBytes),
    ),
    counter(
      'mlos_input_bytes_total',
      'Bytes of inputs.',
      each(({ inputBytes }) => inputBytes),
    ),
    counter(
      'mlos_output_bytes_total',
      'Bytes of outputs.',
      each(({ outputBytes }) => outputBytes),
    ),
  ];
}
