import { join } from 'node:path';
import { registerModels } from './data-plane.mjs';
import { writeModels } from './models.mjs';
import { nativeLoad } from './native.mjs';
import { startBenchDaemon, using } from './processes.mjs';
import { alternate, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';

/**
 * What does a client wait for while another one floods the same model? It asks now and then: alone,
 * beside one that asks and waits like itself but without a pause, and beside a deep pipeline.
 */
const intervalMs = 2;
const depth = 64;

function measure(daemon, model, times, other) {
  const socketPath = daemon.socketPath;
  const asks = { mode: 'attached', socketPath, model, clients: 1, intervalMs, ...times };
  if (other === undefined) return nativeLoad(asks);
  const long = { ...times, seconds: times.seconds + 2 * times.warmupSeconds + 0.5 };
  return Promise.all([nativeLoad(asks), nativeLoad({ socketPath, model, ...other, ...long })]).then(
    ([result, { rps }]) => ({ ...result, other_rps: rps }),
  );
}

function rowsOf(model, results) {
  return Object.entries(results).map(([way, result]) => ({
    name: `fairness-${way}`,
    model: model.name,
    payload_bytes: model.payloadBytes,
    concurrency: 1,
    ...result,
    baseline: 'fairness-alone',
    ratio: medianRatio(result, results.alone, 'p50'),
    p99_ratio: medianRatio(result, results.alone, 'p99'),
  }));
}

export function fairness(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const models = writeModels(join(daemon.folder, 'models'), ['small', 'medium']);
    await registerModels(daemon, models);
    const times = { seconds: 2 * plan.seconds, warmupSeconds: plan.warmupSeconds };
    const rows = [];
    const checks = [];
    for (const model of models) {
      const results = await alternate(plan, {
        alone: () => measure(daemon, model, times),
        polite: () => measure(daemon, model, times, { mode: 'attached', clients: 1 }),
        flooded: () => measure(daemon, model, times, { mode: 'pipelined', clients: 1, depth }),
      });
      rows.push(...rowsOf(model, results));
      checks.push(
        check(
          `${model.name}, p99 beside ${depth} requests of another client, against alone`,
          medianRatio(results.flooded, results.alone, 'p99'),
          { atMost: targets.floodedTimes },
        ),
      );
    }
    return { id: 'fairness', title: 'A client beside another one that floods', rows, checks };
  });
}
