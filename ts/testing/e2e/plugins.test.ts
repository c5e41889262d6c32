import assert from 'node:assert/strict';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf, infer, registerModel } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import type { FakeFlags } from '../fake-plugin/flags.ts';
import { makeFakePlugin } from '../fake-plugin/make.ts';
import { identityModel } from '../onnx-models.ts';

/*
 * Guards: plugins come and go while the daemon runs, several versions at once, and a bad one hurts
 * nobody but its own models.
 */
const watchdog = { timeout: 60_000 };

function fakePlugin(place: Place, name: string, flags: Partial<FakeFlags> = {}): Promise<string> {
  return makeFakePlugin(join(place.folder, name), flags);
}

function registerPlugin(daemon: DaemonProcess, path: string) {
  return daemon.http.post('/plugins/register', { path });
}

/** A model of the fake plugin; it takes no inputs and gives no outputs. */
function registerFake(place: Place, daemon: DaemonProcess, id: string, params = {}) {
  return registerModel(place, daemon, {
    id,
    model: 'fine',
    extension: 'fake',
    params: { execution_format: 'fake', ...params },
  });
}

test('a folder in <data_dir>/plugins registers itself', watchdog, async (t) => {
  const place = await openPlace(t);
  await fakePlugin(place, 'data/plugins/fake');
  await fakePlugin(place, 'elsewhere/second', { version: '2.0.0' });
  const args = ['--set', `plugins.dirs=${join(place.folder, 'elsewhere')}`];
  const daemon = await place.start({ args });
  const { body } = await daemon.http.get('/plugins');
  const found = body.plugins.map((plugin: Record<string, unknown>) => [
    plugin['id'],
    plugin['source'],
  ]);
  assert.ok(found.some(([id, source]: string[]) => id === 'fake@1.0.0' && source === 'folder'));
  assert.ok(found.some(([id, source]: string[]) => id === 'fake@2.0.0' && source === 'folder'));
  await registerFake(place, daemon, 'f/newest@1');
  const { body: got } = await daemon.http.get('/models/f%2Fnewest%401');
  assert.equal(got.model.plugin_id, 'fake@2.0.0');
  const gone = await daemon.http.send('DELETE', '/plugins/fake@1.0.0');
  assert.equal(codeOf(gone), '409 FAILED_PRECONDITION');
});

test(
  'two versions side by side, registered over the API, each with its model',
  watchdog,
  async (t) => {
    const place = await openPlace(t);
    const daemon = await place.start();
    const folders = await Promise.all(
      ['1.0.0', '1.10.0'].map((version) => fakePlugin(place, `p-${version}`, { version })),
    );
    const [first = '', second = ''] = folders;
    assert.equal(codeOf(await registerPlugin(daemon, first)), 'ok');
    assert.equal(codeOf(await registerPlugin(daemon, first)), 'ok', 'the same again is no fault');
    assert.equal(codeOf(await registerPlugin(daemon, `file://${second}`)), 'ok');
    const twin = await fakePlugin(place, 'twin', { version: '1.0.0' });
    assert.equal(codeOf(await registerPlugin(daemon, twin)), '409 ALREADY_EXISTS');

    await registerFake(place, daemon, 'f/old@1', { plugin_id: 'fake@1.0.0' });
    await registerFake(place, daemon, 'f/new@1');
    for (const id of ['f/old@1', 'f/new@1']) {
      assert.equal(codeOf(await infer(daemon, id, {})), 'ok');
    }
    const old = (await daemon.http.get('/plugins/fake@1.0.0')).body.plugin;
    const newest = (await daemon.http.get('/plugins/fake')).body.plugin;
    assert.deepEqual([old.runner, newest.runner], ['fake 1.0.0', 'fake 1.10.0']);
    assert.notEqual(old.processes[0].pid, newest.processes[0].pid);
    assert.deepEqual(
      [old.processes[0].models, newest.processes[0].models],
      [['f/old@1'], ['f/new@1']],
    );

    const bound = await daemon.http.send('DELETE', '/plugins/fake@1.0.0');
    assert.equal(codeOf(bound), '409 FAILED_PRECONDITION');
    assert.match(bound.body.message, /f\/old@1/);
    assert.equal(codeOf(await daemon.http.send('DELETE', '/models/f%2Fold%401')), 'ok');
    assert.equal(codeOf(await daemon.http.send('DELETE', '/plugins/fake@1.0.0')), 'ok');
    assert.equal(codeOf(await daemon.http.get('/plugins/fake@1.0.0')), '404 PLUGIN_NOT_FOUND');
    assert.equal(codeOf(await infer(daemon, 'f/new@1', {})), 'ok');

    // Durable: the next daemon knows the plugin and its model.
    await daemon.end();
    const next = await place.start();
    assert.equal((await next.http.get('/plugins/fake')).body.plugin.source, 'registered');
    assert.equal(codeOf(await infer(next, 'f/new@1', {})), 'ok');
  },
);

test('unload stops the process, and the next inference starts it again', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'p/x@1', model: identityModel('float32', ['n']) });
  const [before] = daemon.plugins();
  const { status, body } = await daemon.http.post('/plugins/onnx/unload');
  assert.equal(status, 200);
  assert.deepEqual([body.plugin.status, body.plugin.processes], ['stopped', []]);
  assert.deepEqual(daemon.plugins(), []);
  assert.equal((await daemon.http.get('/models/p%2Fx%401')).body.model.status, 'unloaded');
  assert.deepEqual((await infer(daemon, 'p/x@1', { x: [1] })).body.outputs?.y, [1]);
  assert.notEqual(daemon.plugins()[0], before);
  assert.equal(codeOf(await daemon.http.post('/plugins/onnx/load')), 'ok');
});

test(
  'unload while requests come: each is answered, and the model serves again',
  watchdog,
  async (t) => {
    const place = await openPlace(t);
    const daemon = await place.start();
    await registerModel(place, daemon, { id: 'p/x@1', model: identityModel('float32', ['n']) });
    const replies = Array.from({ length: 40 }, (_, x) => infer(daemon, 'p/x@1', { x: [x] }));
    const unloaded = daemon.http.post('/plugins/onnx/unload');
    const more = Array.from({ length: 40 }, (_, x) => infer(daemon, 'p/x@1', { x: [x] }));
    assert.equal(codeOf(await unloaded), 'ok');
    for (const [x, reply] of (await Promise.all([...replies, ...more])).entries()) {
      if (reply.status === 200) assert.deepEqual(reply.body.outputs.y, [x % 40]);
      else assert.equal(codeOf(reply), '503 PLUGIN_UNAVAILABLE', JSON.stringify(reply.body));
    }
    assert.equal(codeOf(await infer(daemon, 'p/x@1', { x: [1] })), 'ok');
    const { body } = await daemon.http.get('/models/p%2Fx%401');
    assert.equal(body.model.status, 'ready', 'what serves says so');
  },
);

test('a crash loop ends in PLUGIN_UNAVAILABLE, and others work on', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'p/x@1', model: identityModel('float32', ['n']) });
  const folder = await fakePlugin(place, 'looper', { crashOnInfer: 1 });
  assert.equal(codeOf(await registerPlugin(daemon, folder)), 'ok');
  await registerFake(place, daemon, 'f/loop@1');
  const seen: string[] = [];
  while (seen.at(-1) !== '503 PLUGIN_UNAVAILABLE' && seen.length < 12) {
    seen.push(codeOf(await infer(daemon, 'f/loop@1', {})));
    assert.equal(codeOf(await infer(daemon, 'p/x@1', { x: [1] })), 'ok');
  }
  t.diagnostic(seen.join(', '));
  assert.equal(seen.filter((code) => code === '503 PLUGIN_CRASHED').length, 5);
  assert.equal(seen.at(-1), '503 PLUGIN_UNAVAILABLE');
  const { body } = await infer(daemon, 'f/loop@1', {});
  assert.match(body.message, /keeps crashing and rests until \d{4}-/);
  const ready = await daemon.http.get('/readyz');
  assert.equal(ready.status, 503);
  assert.match(ready.body.reasons.join(), /SIGKILL/);
  assert.match(ready.body.reasons.join(), /fake/, 'the reason says which plugin');
  const { plugin } = (await daemon.http.get('/plugins/fake')).body;
  assert.equal(plugin.status, 'crashed');
  assert.equal((await daemon.http.get('/health')).status, 200);
  assert.equal(codeOf(await infer(daemon, 'p/x@1', { x: [1] })), 'ok');
});

test('a plugin that cannot start is said so, and goes away in order', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const folder = await fakePlugin(place, 'broken', { exitAtOnce: 3 });
  assert.equal(codeOf(await registerPlugin(daemon, folder)), 'ok');
  const started = await daemon.http.post('/plugins/fake/load');
  assert.equal(codeOf(started), '503 PLUGIN_UNAVAILABLE');
  assert.match(started.body.message, /code 3.*told to exit at once/s);
  assert.equal(codeOf(await daemon.http.send('DELETE', '/plugins/fake')), 'ok');
  assert.deepEqual(daemon.plugins(), []);
  assert.deepEqual((await daemon.http.get('/readyz')).body, { ready: true, reasons: [] });
});

test('a plugin that others can write is refused', watchdog, async (t) => {
  const place = await openPlace(t);
  const inData = await fakePlugin(place, 'data/plugins/open', { version: '3.0.0' });
  await chmod(inData, 0o777);
  const daemon = await place.start();
  const writable = await fakePlugin(place, 'writable');
  await chmod(writable, 0o777);
  assert.equal(codeOf(await registerPlugin(daemon, writable)), '403 PERMISSION_DENIED');
  await chmod(writable, 0o700);
  await chmod(join(writable, 'plugin.yaml'), 0o666);
  assert.equal(codeOf(await registerPlugin(daemon, writable)), '403 PERMISSION_DENIED');
  await chmod(join(writable, 'plugin.yaml'), 0o600);
  assert.equal(codeOf(await registerPlugin(daemon, writable)), 'ok');
  assert.equal(codeOf(await daemon.http.get('/plugins/fake@3.0.0')), '404 PLUGIN_NOT_FOUND');
  const ready = await daemon.http.get('/readyz');
  assert.equal(ready.status, 503);
  assert.match(ready.body.reasons.join(), /plugins\/open cannot be used/);
});

test('the program of a plugin must be as safe as its folder', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const folder = await fakePlugin(place, 'relative');
  const program = await place.file('relative/run.sh', '#!/bin/sh\nexit 3\n');
  await chmod(program, 0o777);
  const yaml = 'apiVersion: mlos.io/smi/v1\nkind: Plugin\nname: fake\nversion: 9.0.0\n';
  await place.file(
    'relative/plugin.yaml',
    `${yaml}description: x\nframeworks: [fake]\nformats: [fake]\ndtypes: [float32]\ncommand: [./run.sh]\n`,
  );
  assert.equal(codeOf(await registerPlugin(daemon, folder)), '403 PERMISSION_DENIED');
});

test('a plugin whose folder is gone can be forgotten', watchdog, async (t) => {
  const place = await openPlace(t);
  const first = await place.start();
  const folder = await fakePlugin(place, 'gone');
  assert.equal(codeOf(await registerPlugin(first, folder)), 'ok');
  await registerFake(place, first, 'f/x@1');
  await first.end();
  await rm(folder, { recursive: true });
  const second = await place.start();
  const ready = await second.http.get('/readyz');
  assert.equal(ready.status, 503);
  assert.ok(ready.body.reasons.join().includes(folder));
  assert.equal(codeOf(await infer(second, 'f/x@1', {})), '404 PLUGIN_NOT_FOUND');
  assert.equal(codeOf(await second.http.send('DELETE', '/models/f-x@1')), 'ok');
  assert.equal(codeOf(await second.http.send('DELETE', '/plugins/fake@1.0.0')), 'ok');
  assert.equal((await second.http.get('/readyz')).status, 200);
});
