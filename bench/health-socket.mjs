import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { encodeMsgpack } from '../dist/protocol/msgpack.js';
import { generate } from './generator.mjs';
import { withCpuTime } from './machine.mjs';
import { startBenchDaemon, startProcess, using } from './processes.mjs';
import { alternate, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';

/** What does a health check over the Unix socket take, beside an echo of the same bytes? */
function frame(payload) {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(payload.byteLength);
  return Buffer.concat([header, payload]);
}

/** The daemon's own answer, for the bare server to give. */
async function answerOf(path, request) {
  const socket = connect(path);
  socket.write(request);
  const [answer] = await once(socket, 'data');
  socket.destroy();
  return answer;
}

export function healthSocket(plan) {
  const { seconds, warmupSeconds } = plan;
  return using([startBenchDaemon], async (daemon) => {
    const request = frame(encodeMsgpack([1, 'health.get']));
    const answer = await answerOf(daemon.socketPath, request);
    const barePath = join(daemon.folder, 'bare.sock');
    const facts = { path: barePath, answer: answer.toString('base64') };
    const starts = [
      () => startProcess('servers/bare-socket.mjs', facts),
      () => startProcess('clients/socket-client.mjs'),
    ];
    return await using(starts, async (bare, client) => {
      const times = { seconds, warmupSeconds };
      const ask = (pid, question) => () =>
        withCpuTime(pid, () => client.ask({ ...question, ...times }));
      const raw = (path) => ({ kind: 'raw', path, request: request.toString('base64') });
      const load = (pid, path, connections) => () =>
        withCpuTime(pid, () =>
          generate({ door: ['unix', path], reply: 'frame', request, connections, ...times }),
        );
      const result = await alternate(plan, {
        bare: ask(bare.pid, raw(barePath)),
        ours: ask(daemon.pid, raw(daemon.socketPath)),
        client: ask(daemon.pid, { kind: 'health', path: daemon.socketPath }),
        'bare, native': load(bare.pid, barePath, 1),
        'ours, native': load(daemon.pid, daemon.socketPath, 1),
        'bare, eight': load(bare.pid, barePath, 8),
        'ours, eight': load(daemon.pid, daemon.socketPath, 8),
      });
      return report(result, { requestBytes: request.length, answerBytes: answer.length });
    });
  });
}

function report(result, { requestBytes, answerBytes }) {
  const p50 = (ours, bare) => medianRatio(result[ours], result[bare], 'p50');
  const row = (name, key, rest) => ({ name, ...result[key], ...rest });
  const slower = p50('ours', 'bare');
  return {
    id: 'health-socket',
    title: `Health over the Unix socket (${requestBytes} bytes there, ${answerBytes} back)`,
    rows: [
      row('bare echo ← Node, prepared bytes', 'bare', { times: 1 }),
      row('health.get ← Node, prepared bytes', 'ours', { times: slower, of: 'p50' }),
      row('health.get ← Node client library', 'client', {
        times: p50('client', 'bare'),
        of: 'p50',
        target_us: targets.healthSocketUs,
      }),
      row('bare echo ← native generator', 'bare, native', { times: 1 }),
      row('health.get ← native generator', 'ours, native', {
        times: p50('ours, native', 'bare, native'),
        of: 'p50',
      }),
      row('bare echo ← generator, 8 connections', 'bare, eight', { times: 1 }),
      row('health.get ← generator, 8 connections', 'ours, eight', {
        times: medianRatio(result['ours, eight'], result['bare, eight'], 'rps'),
        of: 'rps',
      }),
    ],
    checks: [
      check('health.get, times the p50 of the bare echo', slower, {
        atMost: targets.healthSocketTimes,
      }),
      check(
        'health.get, p50 of the Node client',
        result.client.p50,
        {
          atMost: targets.healthSocketUs,
        },
        'µs',
      ),
    ],
  };
}
