import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { codeOf, infer, registerModel } from '../daemon/models.ts';
import { becomes, openDescriptorsOf, residentBytesOf } from '../daemon/processes.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { identityModel, matMulModel } from '../onnx-models.ts';

/*
 * Guards: what is taken is given back, by the daemon and by its plugins.
 */
const watchdog = { timeout: 120_000 };
const cycles = 200;

test(`${cycles} times load and unload`, watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  // 4 MB of weights: a session that is not freed shows.
  await registerModel(place, daemon, { id: 'l/big@1', model: matMulModel(1_024, 1_024) });
  await registerModel(place, daemon, { id: 'l/other@1', model: identityModel('float32', []) });
  const cycle = async (count: number) => {
    for (let i = 0; i < count; i++) {
      assert.equal(codeOf(await daemon.http.post('/models/l-big@1/unload')), 'ok');
      assert.equal(codeOf(await daemon.http.post('/models/l-big@1/load')), 'ok');
    }
  };
  await cycle(40);
  const [plugin = 0] = daemon.plugins();
  const measure = () => ({
    daemon: openDescriptorsOf(daemon.pid).length,
    plugin: openDescriptorsOf(plugin).length,
  });
  const before = measure();
  const residentBefore = residentBytesOf(plugin);
  await cycle(cycles);
  assert.deepEqual(measure(), before, 'descriptors of the daemon and the plugin');
  const grown = residentBytesOf(plugin) - residentBefore;
  t.diagnostic(`the plugin grew by ${(grown / 1e6).toFixed(1)} MB over ${cycles} sessions of 4 MB`);
  assert.ok(grown < 100e6, `a tenth of the sessions' weights stayed: ${grown} bytes`);
  assert.deepEqual(daemon.plugins(), [plugin], 'one process served all of it');
  assert.equal(codeOf(await infer(daemon, 'l/other@1', { x: 1 })), 'ok');
});

test('plugins that come and go leave no descriptor', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'l/x@1', model: identityModel('float32', []) });
  const params = { isolation: 'model' };
  await registerModel(place, daemon, {
    id: 'l/alone@1',
    model: identityModel('float32', []),
    params,
  });
  const round = async () => {
    for (const id of ['l/x@1', 'l/alone@1']) {
      assert.equal(codeOf(await infer(daemon, id, { x: 1 })), 'ok');
    }
    for (const pid of daemon.plugins()) process.kill(pid, 'SIGKILL');
    const isBack = async () => {
      const { processes } = (await daemon.http.get('/plugins/onnx')).body.plugin;
      return (
        processes.length === 2 && processes.every((p: { state: string }) => p.state === 'ready')
      );
    };
    assert.ok(await becomes(isBack, 20_000));
    assert.equal(codeOf(await daemon.http.post('/plugins/onnx/unload')), 'ok');
    assert.deepEqual(daemon.plugins(), []);
  };
  await round();
  const before = openDescriptorsOf(daemon.pid).length;
  for (let i = 0; i < 3; i++) await round();
  assert.equal(openDescriptorsOf(daemon.pid).length, before);
});

test('after the stop nothing is left', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'l/x@1', model: identityModel('float32', []) });
  const params = { isolation: 'model' };
  await registerModel(place, daemon, {
    id: 'l/alone@1',
    model: identityModel('float32', []),
    params,
  });
  assert.equal(daemon.plugins().length, 2);
  const shared = readdirSync('/dev/shm').length;
  assert.deepEqual(await daemon.end(), { code: 0, signal: null });
  assert.deepEqual(daemon.processes(), []);
  assert.ok(!existsSync(daemon.socketPath));
  assert.ok(readdirSync('/dev/shm').length <= shared);
  assert.deepEqual(readdirSync(`${place.folder}/tmp`), [], 'no temporary file');
  assert.deepEqual(readdirSync(daemon.dataFolder).sort(), ['daemon.lock', 'registry']);
});
