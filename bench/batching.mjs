import { join } from 'node:path';
import { registerModels } from './data-plane.mjs';
import { writeModels } from './models.mjs';
import { nativeLoad } from './native.mjs';
import { startBenchDaemon, using } from './processes.mjs';
import { alternate, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';

/** Does joining requests pay, where it can (a classifier) and where it cannot (convolutions)? 32 clients. */
const clients = 32;

async function compare(daemon, model, plan, modes) {
  const of = (mode) => ({ ...model, id: model.id.replace('@', `-${mode}@`) });
  await registerModels(
    daemon,
    modes.map((mode) => ({ ...of(mode), mode })),
    ({ mode }) => ({ batching: mode, max_batch: clients }),
  );
  const times = { seconds: plan.seconds, warmupSeconds: plan.warmupSeconds };
  const load = (mode) => () =>
    nativeLoad({
      mode: 'many',
      socketPath: daemon.socketPath,
      model: of(mode),
      clients,
      ...times,
    });
  const results = await alternate(
    plan,
    Object.fromEntries(modes.map((mode) => [mode, load(mode)])),
  );
  const rows = modes.map((mode) => ({
    name: `batching-${mode}`,
    model: model.key,
    payload_bytes: model.payloadBytes,
    concurrency: clients,
    ...results[mode],
    baseline: 'batching-off',
    ratio: medianRatio(results[mode], results.off, 'p50'),
    rps_ratio: medianRatio(results[mode], results.off, 'rps'),
    p95_ratio: medianRatio(results[mode], results.off, 'p95'),
  }));
  return rows;
}

export function batching(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const keys = ['classifier', 'convolutions'];
    const [gains, gainsNot] = writeModels(join(daemon.folder, 'models'), keys);
    const good = await compare(daemon, gains, plan, ['off', 'fixed', 'auto']);
    const bad = await compare(daemon, gainsNot, plan, ['off', 'auto']);
    const auto = good.find(({ name }) => name === 'batching-auto');
    const none = bad.find(({ name }) => name === 'batching-auto');
    return {
      id: 'batching',
      title: `Batching, ${clients} clients`,
      rows: [...good, ...bad],
      checks: [
        check('classifier, auto against off, throughput', auto.rps_ratio, {
          atLeast: targets.batching.gainTimes,
        }),
        check('classifier, auto against off, p95', auto.p95_ratio, { atMost: 1 }),
        check('convolutions, auto against off, throughput', none.rps_ratio, {
          atLeast: targets.batching.noGainTimes,
        }),
      ],
    };
  });
}
