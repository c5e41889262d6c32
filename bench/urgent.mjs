import { join } from 'node:path';
import { registerModels } from './data-plane.mjs';
import { writeModels } from './models.mjs';
import { nativeLoad } from './native.mjs';
import { startBenchDaemon, using } from './processes.mjs';
import { alternate, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';

/**
 * What does an urgent request wait for while a batch model fills every core? The same two models, once
 * without a class and once with classes and affinity: realtime on the last core, batch on the others.
 */
const intervalMs = 2;
const floods = 4;

function classesOf(cores) {
  const last = cores - 1;
  const others = Array.from({ length: Math.max(1, last) }, (_, cpu) => cpu);
  return {
    plain: { urgent: {}, batch: { intra_op_threads: cores } },
    classed: {
      urgent: { priority: 'realtime', cpus: [last] },
      // As many threads as CPUs: more would spin for one another on the same one.
      batch: { priority: 'batch', intra_op_threads: others.length, cpus: others },
    },
  };
}

async function measure(daemon, [urgent, batch], times) {
  const socketPath = daemon.socketPath;
  const long = { ...times, seconds: times.seconds + 2 * times.warmupSeconds + 0.5 };
  const flood = nativeLoad({ mode: 'many', socketPath, model: batch, clients: floods, ...long });
  const result = await nativeLoad({
    mode: 'attached',
    socketPath,
    model: urgent,
    clients: 1,
    intervalMs,
    ...times,
  });
  const { rps } = await flood;
  return { ...result, batch_rps: rps };
}

export function urgent(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const models = writeModels(join(daemon.folder, 'models'), ['small', 'medium']);
    const classes = classesOf(plan.cores);
    const of = (way) =>
      models.map((model) => ({ ...model, id: model.id.replace('@', `-${way}@`) }));
    for (const way of Object.keys(classes)) {
      const [first, second] = of(way);
      await registerModels(daemon, [first, second], (model) =>
        model === first ? classes[way].urgent : classes[way].batch,
      );
    }
    const times = { seconds: 2 * plan.seconds, warmupSeconds: plan.warmupSeconds };
    const [alone] = of('plain');
    const results = await alternate(plan, {
      alone: () =>
        nativeLoad({
          mode: 'attached',
          socketPath: daemon.socketPath,
          model: alone,
          clients: 1,
          intervalMs,
          ...times,
        }),
      plain: () => measure(daemon, of('plain'), times),
      classed: () => measure(daemon, of('classed'), times),
    });
    const rows = Object.entries(results).map(([way, result]) => ({
      name: `urgent-${way}`,
      model: 'small',
      payload_bytes: models[0].payloadBytes,
      concurrency: 1,
      ...result,
      baseline: 'urgent-plain',
      ratio: medianRatio(result, results.plain, 'p50'),
      p99_ratio: medianRatio(result, results.plain, 'p99'),
    }));
    return {
      id: 'urgent',
      title: `An urgent request every ${intervalMs} ms beside a batch model on all cores`,
      rows,
      checks: [
        check(
          'p99 of the urgent model, classes and affinity against none',
          medianRatio(results.classed, results.plain, 'p99'),
          { atMost: targets.urgentTimes },
        ),
      ],
    };
  });
}
