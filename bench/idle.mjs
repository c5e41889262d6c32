import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../dist/client/client.js';
import { cpuTimeUs, memoryMb, processTree } from './machine.mjs';
import { writeModels } from './models.mjs';
import { startBenchDaemon, using } from './processes.mjs';
import { check, targets } from './targets.mjs';

/** What does a daemon cost that nobody asks anything, without and with a loaded model? */
const settleMs = 2_000;

async function cost(daemon, name, seconds) {
  await sleep(settleMs); // What the start left to do: compilation, garbage.
  const pids = processTree(daemon.pid);
  const before = cpuTimeUs(pids);
  const started = performance.now();
  await sleep(seconds * 1000);
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

export function idle({ idleSeconds }) {
  return using([startBenchDaemon], async (daemon) => {
    const empty = await cost(daemon, 'daemon alone', idleSeconds);
    const [model] = writeModels(join(daemon.folder, 'models'));
    const client = await connect({ socketPath: daemon.socketPath });
    await client.call('models.register', { model_id: model.id, path: model.file });
    await client.close();
    const loaded = await cost(daemon, 'daemon and plugin, one model loaded', idleSeconds);
    const percent = { atMost: targets.idleCpuPercent };
    return {
      id: 'idle',
      title: `Idle, over ${idleSeconds} s`,
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
