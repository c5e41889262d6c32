import { join } from 'node:path';
import { registerModels } from './data-plane.mjs';
import { writeModels } from './models.mjs';
import { nativeLoad } from './native.mjs';
import { startBenchDaemon, startProcess, using } from './processes.mjs';
import { alternate, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';

/** How many answers a second does one client get that keeps many requests under way? */
const depth = 64;

export function pipelined(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const [model] = writeModels(join(daemon.folder, 'models'), ['tiny']);
    // A model of its own, so that the daemon's default (batching, where it gains) is what is measured.
    await registerModels(daemon, [model]);
    const starts = [
      () => startProcess('clients/in-process.mjs'),
      () => startProcess('clients/attached.mjs', { socketPath: daemon.socketPath }),
    ];
    return await using(starts, async (app, attached) => {
      const times = { seconds: plan.seconds, warmupSeconds: plan.warmupSeconds };
      const results = await alternate(plan, {
        'in-process': () => app.ask({ model, clients: 1, ...times }),
        'attached-async': () => attached.ask({ way: 'pipelined', model, depth, ...times }),
        'attached-c': () =>
          nativeLoad({
            mode: 'pipelined',
            socketPath: daemon.socketPath,
            model,
            clients: 1,
            depth,
            ...times,
          }),
      });
      const rows = Object.entries(results).map(([way, result]) => ({
        name: way === 'in-process' ? way : `${way}-pipelined`,
        model: 'tiny',
        payload_bytes: model.payloadBytes,
        concurrency: 1,
        ...result,
        baseline: 'in-process',
        ratio: medianRatio(result, results['in-process'], 'p50'),
      }));
      const atLeast = targets.inferencesPerSecond.pipelined;
      return {
        id: 'pipelined',
        title: `One client, ${depth} requests under way, tiny model`,
        rows,
        checks: [
          check('pipelined, TypeScript', results['attached-async'].rps, { atLeast }, 'req/s'),
          check('pipelined, C', results['attached-c'].rps, { atLeast }, 'req/s'),
        ],
      };
    });
  });
}
