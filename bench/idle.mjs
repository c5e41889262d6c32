import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../dist/client/client.js';
import { cpuTimeUs, memoryMb, processTree } from './machine.mjs';
import { writeModels } from './models.mjs';
import { startBenchDaemon, using } from './processes.mjs';
import { check, targets } from './targets.mjs';

/** What does a daemon cost that nobody asks anything, without and with a loaded model? */
async function cost(daemon, name, { settleSeconds, idleSeconds }) {
  // What the start left to do: V8 collects the garbage of a start 10 to 20 s after it.
  await sleep(settleSeconds * 1000);
  const pids = processTree(daemon.pid);
  const before = cpuTimeUs(pids);
  const started = performance.now();
  await sleep(idleSeconds * 1000);
  const wallUs = (performance.now() - started) * 1000;
  const memory = pids.map(memoryMb);
  return {
    name,
    cpu_percent: (100 * (cpuTimeUs(pids) - before)) / wallUs,
    rss_mb: memory[0].rss,
    anonymous_mb: memory[0].anonymous,
    plugins_rss_mb: memory.slice(1).reduce((sum, { rss }) => sum + rss, 0),
  };
}

export function idle(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const empty = await cost(daemon, 'daemon alone', plan);
    const [model] = writeModels(join(daemon.folder, 'models'));
    const client = await connect({ socketPath: daemon.socketPath });
    await client.call('models.register', { model_id: model.id, path: model.file });
    await client.close();
    const loaded = await cost(daemon, 'daemon and plugin, one model loaded', plan);
    const percent = { atMost: targets.idleCpuPercent };
    return {
      id: 'idle',
      title: `Idle, over ${plan.idleSeconds} s`,
      rows: [empty, loaded],
      checks: [
        check('idle CPU without a model', empty.cpu_percent, percent, '%'),
        check('idle CPU with a loaded model', loaded.cpu_percent, percent, '%'),
        check(
          'RSS of the daemon without plugins',
          empty.rss_mb,
          { atMost: targets.idleRssMb },
          'MB',
        ),
      ],
    };
  });
}
