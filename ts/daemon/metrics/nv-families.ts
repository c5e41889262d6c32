import { cpus } from 'node:os';
import { hostMemory } from '../resource/process-facts.ts';
import { counter, type Family, gauge } from './family.ts';
import type { LoadedModel } from './loaded-models.ts';

/** The names that dashboards for Triton read, with its labels and its microseconds. */
export function nvModelFamilies(models: readonly LoadedModel[]): readonly Family[] {
  const each = (value: (model: LoadedModel) => number) =>
    models.map((model) => ({ labels: model.labels, value: value(model) }));
  const us = (ns: number) => Math.round(ns / 1000);
  const queue = ({ stats }: LoadedModel) => us(stats.queueNs);
  const run = ({ stats }: LoadedModel) => us(stats.runNs);
  const input = ({ times }: LoadedModel) => Math.round(times?.inputUs ?? 0);
  const transport = ({ times }: LoadedModel) => Math.round(times?.transport.totalUs ?? 0);
  const output = (model: LoadedModel) => Math.max(0, transport(model) - input(model));
  return [
    counter(
      'nv_inference_request_success',
      'Requests answered with outputs.',
      each(({ stats }) => stats.succeeded),
    ),
    counter(
      'nv_inference_request_failure',
      'Requests that failed, expired or were refused.',
      each(({ stats }) => stats.failed + stats.expired + stats.rejected),
    ),
    counter(
      'nv_inference_count',
      'Inferences; requests that ran together count each.',
      each(({ stats }) => stats.succeeded),
    ),
    counter(
      'nv_inference_exec_count',
      'Runs of the model; requests that ran together count once.',
      each(({ stats }) => stats.batches),
    ),
    gauge(
      'nv_inference_pending_request_count',
      'Requests that wait now.',
      each(({ stats }) => stats.queued),
    ),
    counter(
      'nv_inference_request_duration_us',
      'All time of requests.',
      each((model) => queue(model) + run(model) + input(model) + output(model)),
    ),
    counter('nv_inference_queue_duration_us', 'Time in the queue.', each(queue)),
    counter(
      'nv_inference_compute_input_duration_us',
      'Time to read inputs of requests through the daemon.',
      each(input),
    ),
    counter('nv_inference_compute_infer_duration_us', 'Time to run.', each(run)),
    counter(
      'nv_inference_compute_output_duration_us',
      'Time of requests through the daemon that is none of the others: moving tensors both ways.',
      each(output),
    ),
  ];
}

/** CPU of the host between one look and the next; the first counts from boot. */
export class HostCpu {
  #busy = 0;
  #total = 0;

  utilization(): number {
    const times = cpus().map(({ times: one }) => one);
    const idle = times.reduce((sum, one) => sum + one.idle, 0);
    const total = times.reduce((sum, one) => sum + one.user + one.nice + one.sys + one.irq, idle);
    const grown = total - this.#total;
    const share = grown > 0 ? (total - idle - this.#busy) / grown : 0;
    this.#busy = total - idle;
    this.#total = total;
    return Math.min(1, Math.max(0, share));
  }
}

export function nvHostFamilies(cpu: HostCpu): readonly Family[] {
  const { total_bytes: total, available_bytes: available } = hostMemory();
  const one = (value: number) => [{ labels: {}, value }];
  return [
    gauge(
      'nv_cpu_utilization',
      'CPU of the host since the last look, 0 to 1.',
      one(cpu.utilization()),
    ),
    gauge('nv_cpu_memory_total_bytes', 'Memory of the host.', one(total)),
    gauge('nv_cpu_memory_used_bytes', 'Memory of the host in use.', one(total - available)),
  ];
}
