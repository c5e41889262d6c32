import { join } from 'node:path';
import { registerModels } from './data-plane.mjs';
import { writeModels } from './models.mjs';
import { nativeLoad } from './native.mjs';
import { startBenchDaemon, using } from './processes.mjs';
import { alternate, median } from './stats.mjs';
import { check, targets } from './targets.mjs';

/**
 * What does a request take when both sides sleep before it? One request every 10 ms, beside a bare
 * futex ping-pong between two processes and the run itself at the same pace.
 */
const intervalMs = 10;

export function asleep(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const [model] = writeModels(join(daemon.folder, 'models'), ['tiny']);
    await registerModels(daemon, [model]);
    const times = { seconds: 2 * plan.seconds, warmupSeconds: plan.warmupSeconds, intervalMs };
    const results = await alternate(plan, {
      'futex-ping-pong': () => nativeLoad({ mode: 'ping-pong', model, clients: 1, ...times }),
      'in-process-c': () => nativeLoad({ mode: 'run', model, clients: 1, ...times }),
      'attached-c': () =>
        nativeLoad({
          mode: 'attached',
          socketPath: daemon.socketPath,
          model,
          clients: 1,
          ...times,
        }),
    });
    const floor = (i, q) =>
      results['futex-ping-pong'].rounds[i][q] + results['in-process-c'].rounds[i][q];
    const ratio = median(
      results['attached-c'].rounds.map((round, i) => round.p50 / floor(i, 'p50')),
    );
    const rows = Object.entries(results).map(([way, result]) => ({
      name: `${way}-asleep`,
      model: 'tiny',
      payload_bytes: model.payloadBytes,
      concurrency: 1,
      ...result,
      baseline: 'futex-ping-pong-asleep + in-process-c-asleep',
      ratio: median(result.rounds.map((round, i) => round.p50 / floor(i, 'p50'))),
    }));
    return {
      id: 'asleep',
      title: 'Both sides asleep: one request every 10 ms, tiny model',
      rows,
      checks: [
        check('both asleep, attached from C against ping-pong and run', ratio, {
          atMost: targets.attached.asleepTimes,
        }),
      ],
    };
  });
}
