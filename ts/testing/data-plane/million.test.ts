import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineStatsWire } from '../../protocol/methods/engine.ts';
import { registerModel } from '../daemon/models.ts';
import { becomes } from '../daemon/processes.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { slowModel } from '../onnx-models.ts';
import { Footprint, shown } from './footprint.ts';
import type { MillionFacts, MillionReport } from './million-client.ts';
import { scaleModel } from './models.ts';
import { Program } from './program.ts';

/*
 * Guards: of a very large number of requests with random sizes, ways, cancellations and deadlines
 * every answer is right, every error is one that the caller asked for, and nobody grows by it.
 * MLOS_SOAK=1 makes it a million; MLOS_MILLION and MLOS_MILLION_SEED choose the number and the seed.
 */
const isSoak = process.env['MLOS_SOAK'] === '1';
const requests = Number(process.env['MLOS_MILLION'] ?? (isSoak ? 1_000_000 : 50_000));
const seed = Number(process.env['MLOS_MILLION_SEED'] ?? Date.now() % 1_000_000);
const clients = 8;
const watchdog = { timeout: 180_000 + requests * 5 };
/** What a process may hold more of at the end, in MB: heaps and allocators breathe. */
const breathMb = 80;

function total(reports: Iterable<MillionReport>) {
  const codes: Record<string, number> = {};
  let [done, right, bytes] = [0, 0, 0];
  const wrong: string[] = [];
  for (const report of reports) {
    done += report.done;
    right += report.right;
    bytes += report.bytes;
    wrong.push(...report.wrong);
    for (const [code, count] of Object.entries(report.codes)) {
      codes[code] = (codes[code] ?? 0) + count;
    }
  }
  return { done, right, bytes, wrong, codes };
}

/** What the engine says of its models: requests that wait or run now. */
async function underWay(daemon: DaemonProcess): Promise<number> {
  const { processes } = (await daemon.http.get('/stats/engine')).body as EngineStatsWire;
  const models = processes.flatMap((process) => process.models);
  assert.equal(models.length, 2);
  return models.reduce((sum, { queued, workers }) => {
    return sum + queued + workers.filter(({ state }) => state !== 'idle').length;
  }, 0);
}

test(`${requests} requests by ${clients} clients`, watchdog, async (t) => {
  t.diagnostic(`seed ${seed}`);
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'm/scale@1', model: scaleModel() });
  await registerModel(place, daemon, { id: 'm/slow@1', model: slowModel() });
  const latest = new Map<number, MillionReport>();
  const programs = Array.from({ length: clients }, (_, i) => {
    const facts: MillionFacts = {
      socketPath: daemon.socketPath,
      scale: 'm/scale@1',
      slow: 'm/slow@1',
      requests: Math.ceil(requests / clients),
      seed: seed + i,
    };
    return new Program<MillionReport>('./million-client.js', facts);
  });
  t.after(() => {
    for (const program of programs) program.kill();
  });
  const [plugin = 0] = daemon.plugins();
  const pids = Object.fromEntries(programs.map(({ pid }, i) => [`client ${i}`, pid]));
  const footprint = new Footprint({ daemon: daemon.pid, plugin, ...pids });
  const begun = performance.now();
  let sampledAt = 0;
  let ended = '';
  for (const [i, program] of programs.entries()) {
    program.onReport((said) => {
      latest.set(i, said);
      const { done } = total(latest.values());
      if (done < sampledAt) return;
      sampledAt += requests / 100;
      footprint.take();
    });
    program.ended().then((how) => {
      if (latest.get(i)?.isDone !== true) ended += `client ${i} ended (${how}): ${program.output}`;
    });
  }
  const areDone = () => ended !== '' || programs.every((_, i) => latest.get(i)?.isDone === true);
  assert.ok(await becomes(areDone, watchdog.timeout - 60_000), 'it hangs');
  assert.equal(ended, '');

  const { right, wrong, codes, bytes, done } = total(latest.values());
  const seconds = (performance.now() - begun) / 1_000;
  t.diagnostic(`${done} requests in ${seconds.toFixed(1)} s, ${(bytes / 1e9).toFixed(1)} GB`);
  t.diagnostic(`${right} right answers; errors ${JSON.stringify(codes)}`);
  const growths = footprint.growth(0.2);
  for (const growth of growths) t.diagnostic(shown(growth));
  assert.deepEqual(wrong, []);
  const unexpected = Object.keys(codes).filter(
    (code) => code !== 'CANCELLED' && code !== 'DEADLINE_EXCEEDED',
  );
  assert.deepEqual(unexpected, []);
  const given = Object.values(codes).reduce((sum, count) => sum + count, 0);
  assert.equal(right + given, done, 'every request has one end');
  assert.ok(right > 0.7 * done && given > 0.01 * done, 'both ends were tried');

  assert.ok(await becomes(async () => (await underWay(daemon)) === 0, 10_000), 'queues are empty');
  for (const program of programs) program.tell('leave');
  assert.deepEqual(
    await Promise.all(programs.map((program) => program.ended())),
    programs.map(() => '0'),
  );
  const areGone = async () => (await daemon.http.get('/channels')).body.total === 0;
  assert.ok(await becomes(areGone, 10_000), 'channels are gone');
  assert.deepEqual(daemon.plugins(), [plugin]);
  for (const { name, residentMb, from, to } of growths) {
    assert.ok(residentMb < breathMb, `${name} grew by ${residentMb} MB`);
    assert.ok(to.descriptors <= from.descriptors + 1, `${name} kept descriptors`);
  }
});
