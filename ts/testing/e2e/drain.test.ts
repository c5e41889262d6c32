import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { limits } from '../../protocol/limits.ts';
import { codeOf, infer, registerModel } from '../daemon/models.ts';
import { becomes } from '../daemon/processes.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { slowModel } from '../onnx-models.ts';

/*
 * Guards: SIGTERM loses no accepted request, takes no new one, and leaves nothing behind.
 */
const id = 'drain/slow@1';
const watchdog = { timeout: 90_000 };

function assertGone(daemon: DaemonProcess): void {
  assert.deepEqual(daemon.processes(), []);
  assert.ok(!existsSync(daemon.socketPath), 'the socket is gone');
  assert.ok(!existsSync(join(daemon.dataFolder, 'daemon.json')), 'the state file is gone');
}

for (const adapter of ['uwebsockets', 'node']) {
  test(
    `SIGTERM answers what is under way and refuses the rest (${adapter})`,
    watchdog,
    async (t) => {
      const place = await openPlace(t);
      const daemon = await place.start({ args: ['--set', `api.http.adapter=${adapter}`] });
      await registerModel(place, daemon, { id, model: slowModel() });
      const client = await daemon.connect();
      const late = await daemon.connect();
      // Long enough that the refusals below come before the first answer.
      const turns = await turnsFor(daemon, 1_500);
      const overHttp = infer(daemon, id, { turns, x: 1 });
      await delay(50);
      const overIpc = client.infer(id, { turns: 1, x: 2 });
      const queued = infer(daemon, id, { turns: 1, x: 3 });
      await delay(100);
      daemon.signal('SIGTERM');
      assert.ok(
        await becomes(
          async () => (await daemon.http.get('/health')).body.status === 'draining',
          1_000,
        ),
      );
      const refused = await infer(daemon, id, { turns: 1, x: 4 });
      assert.equal(codeOf(refused), '503 SHUTTING_DOWN', JSON.stringify(refused.body));
      assert.equal((await daemon.http.get('/readyz')).status, 503);
      await assert.rejects(late.infer(id, { turns: 1, x: 5 }), { code: 'SHUTTING_DOWN' });
      assert.deepEqual((await overHttp).body.outputs?.y, [1]);
      assert.deepEqual((await queued).body.outputs?.y, [3]);
      assert.deepEqual([...((await overIpc).outputs['y']?.toJSON() ?? [])], [2]);
      const answeredAt = performance.now();
      assert.deepEqual(await daemon.exited, { code: 0, signal: null }, daemon.output);
      t.diagnostic(`last answer → exit: ${(performance.now() - answeredAt).toFixed(0)} ms`);
      assertGone(daemon);
    },
  );
}

/** How many turns of the slow model take about this long here. */
async function turnsFor(daemon: DaemonProcess, ms: number): Promise<number> {
  await infer(daemon, id, { turns: 20, x: 0 });
  const { body } = await infer(daemon, id, { turns: 100, x: 0 });
  return Math.ceil((ms * 1_000 * 100) / body.inference_time_us);
}

test('a second SIGTERM ends it at once', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id, model: slowModel() });
  const lost = assert.rejects(infer(daemon, id, { turns: 1_000_000, x: 1 }));
  await delay(100);
  daemon.signal('SIGTERM');
  await delay(200);
  assert.equal(daemon.exit, null, 'it drains');
  const begun = performance.now();
  daemon.signal('SIGTERM');
  assert.deepEqual(await daemon.exited, { code: 143, signal: null });
  t.diagnostic(`second SIGTERM → exit: ${(performance.now() - begun).toFixed(0)} ms`);
  await lost;
  assert.ok(await becomes(() => daemon.processes().length === 0, 1_000), 'no plugin is left');
});

test('SIGTERM while a model is being loaded ends in order', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const path = await place.file('slow.onnx', slowModel());
  const loading = daemon.http.post('/models/register', { model_id: id, path });
  await delay(50);
  daemon.signal('SIGTERM');
  assert.equal(codeOf(await loading), 'ok');
  assert.deepEqual(await daemon.exited, { code: 0, signal: null }, daemon.output);
  assertGone(daemon);
});

test('a request that outlasts the drain is cut, and the daemon ends', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id, model: slowModel() });
  const outcome = infer(daemon, id, { turns: 1_000_000, x: 1 }).then(codeOf, () => 'cut');
  await delay(100);
  const begun = performance.now();
  daemon.signal('SIGTERM');
  // What `mlos stop` waits for: the drain, the end of the plugins, and some slack.
  const patienceMs = limits.drainMs + limits.pluginStopMs + 3_000;
  const isOver = await becomes(() => daemon.exit !== null, patienceMs);
  t.diagnostic(
    `SIGTERM → exit with a request that never ends: ${(performance.now() - begun).toFixed(0)} ms`,
  );
  assert.ok(isOver, `it still runs ${patienceMs} ms after SIGTERM`);
  assert.ok(
    ['cut', '503 SHUTTING_DOWN', '503 PLUGIN_UNAVAILABLE', '503 PLUGIN_CRASHED'].includes(
      await outcome,
    ),
  );
  assertGone(daemon);
});
