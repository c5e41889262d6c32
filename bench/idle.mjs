import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { registerModels } from './data-plane.mjs';
import { cpuTimeUs, memoryMb, processTree } from './machine.mjs';
import { writeModels } from './models.mjs';
import { startBenchDaemon, startProcess, using } from './processes.mjs';
import { check, targets } from './targets.mjs';

/** What does a daemon cost that nobody asks anything: alone, and with models and attached clients? */
const clients = 10;

async function cost(daemon, { name, others = [] }, { settleSeconds, idleSeconds }) {
  // What the start left to do: V8 collects the garbage of a start 10 to 20 s after it.
  await sleep(settleSeconds * 1000);
  const pids = processTree(daemon.pid);
  const all = [...pids, ...others];
  const before = cpuTimeUs(all);
  const started = performance.now();
  await sleep(idleSeconds * 1000);
  const wallUs = (performance.now() - started) * 1000;
  const memory = pids.map(memoryMb);
  return {
    name,
    cpu_percent: (100 * (cpuTimeUs(all) - before)) / wallUs,
    rss_mb: memory[0].rss,
    anonymous_mb: memory[0].anonymous,
    plugins_rss_mb: memory.slice(1).reduce((sum, { rss }) => sum + rss, 0),
  };
}

export function idle(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const empty = await cost(daemon, { name: 'daemon alone' }, plan);
    const models = writeModels(join(daemon.folder, 'models'), ['tiny', 'small', 'classifier']);
    await registerModels(daemon, models);
    const start = () => startProcess('clients/attached.mjs', { socketPath: daemon.socketPath });
    return await using([start], async (app) => {
      await app.ask({ way: 'hold', models, clients });
      const loaded = await cost(
        daemon,
        {
          name: `3 models loaded, ${clients} attached clients (theirs included)`,
          others: [app.pid],
        },
        plan,
      );
      const percent = { atMost: targets.idleCpuPercent };
      return {
        id: 'idle',
        title: `Idle, over ${plan.idleSeconds} s`,
        rows: [empty, loaded],
        checks: [
          check('idle CPU without a model', empty.cpu_percent, percent, '%'),
          check(
            `idle CPU with 3 models and ${clients} attached clients`,
            loaded.cpu_percent,
            percent,
            '%',
          ),
          check(
            'RSS of the daemon without plugins',
            empty.rss_mb,
            { atMost: targets.idleRssMb },
            'MB',
          ),
        ],
      };
    });
  });
}
