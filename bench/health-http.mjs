import { generate, httpRequest } from './generator.mjs';
import { withCpuTime } from './machine.mjs';
import { startBenchDaemon, startProcess, using } from './processes.mjs';
import { alternate, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';

/** How many health checks a second does the HTTP door answer, beside a bare server on its library? */
export const connections = 16;

export function healthHttp(plan) {
  const { seconds, warmupSeconds } = plan;
  const starts = [() => startProcess('servers/bare-http.mjs'), startBenchDaemon];
  return using(starts, async (bare, daemon) => {
    const subject = (pid, port, many) => () =>
      withCpuTime(pid, () =>
        generate({
          door: ['tcp', port],
          reply: 'http',
          request: httpRequest('GET', '/health'),
          connections: many,
          seconds,
          warmupSeconds,
        }),
      );
    const result = await alternate(plan, {
      bare: subject(bare.pid, bare.ready.port, connections),
      ours: subject(daemon.pid, daemon.port, connections),
      'bare, one': subject(bare.pid, bare.ready.port, 1),
      'ours, one': subject(daemon.pid, daemon.port, 1),
    });
    const share = medianRatio(result.ours, result.bare, 'rps');
    const cpuShare = 1 / medianRatio(result.ours, result.bare, 'cpu_us');
    const times = medianRatio(result['ours, one'], result['bare, one'], 'p50');
    const row = (name, key, rest) => ({ name, ...result[key], ...rest });
    return {
      id: 'health-http',
      title: 'Health over HTTP',
      rows: [
        row(`bare uWebSockets.js, ${connections} connections`, 'bare', { times: 1 }),
        row(`GET /health, ${connections} connections`, 'ours', { times: share, of: 'rps' }),
        row('bare uWebSockets.js, 1 connection', 'bare, one', { times: 1 }),
        row('GET /health, 1 connection', 'ours, one', {
          times,
          of: 'p50',
          target_us: targets.healthHttpUs,
        }),
      ],
      checks: [
        check('GET /health, share of the bare rps', share, { atLeast: targets.healthHttpShare }),
        check('GET /health, share of the bare rps per CPU time', cpuShare, {
          atLeast: targets.healthHttpShare,
        }),
        check(
          'GET /health, p50 of one client',
          result['ours, one'].p50,
          {
            atMost: targets.healthHttpUs,
          },
          'µs',
        ),
      ],
    };
  });
}
