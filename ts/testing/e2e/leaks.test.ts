import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { frame } from '../../protocol/frame.ts';
import { encodeMsgpack } from '../../protocol/msgpack.ts';
import { codeOf, infer, registerModel } from '../daemon/models.ts';
import { becomes, openDescriptorsOf, residentBytesOf } from '../daemon/processes.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { identityModel, matMulModel, slowModel } from '../onnx-models.ts';

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
  const isBack = () => openDescriptorsOf(daemon.pid).length <= before;
  assert.ok(await becomes(isBack, 5_000), `more than ${before} descriptors`);
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
  assert.deepEqual(readdirSync(daemon.dataFolder).sort(), ['daemon.lock', 'registry']);
  // The place is the home folder too. A runtime that keeps a diary of its own (telemetry) shows here.
  assert.deepEqual(readdirSync(join(place.folder, 'tmp')), [], 'no temporary file');
  const files = ['data', 'l%2Falone%401.onnx', 'l%2Fx%401.onnx', 'tmp'];
  assert.deepEqual(readdirSync(place.folder).sort(), files, 'nothing in the home folder');
});

/** Opens clients that each send one inference, and gives what makes them all go away. */
type Crowd = (
  daemon: DaemonProcess,
  requests: readonly (readonly [string, object])[],
) => Promise<() => void>;

const httpCrowd: Crowd = async (daemon, requests) => {
  const sockets = requests.map(([id, inputs]) => {
    const body = JSON.stringify(inputs);
    const head = `POST /models/${encodeURIComponent(id)}/inference HTTP/1.1\r\nHost: localhost\r\n`;
    const socket = connect({ host: '127.0.0.1', port: daemon.httpPort });
    socket.on('error', () => undefined);
    socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    return socket;
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
};

const ipcCrowd: Crowd = async (daemon, requests) => {
  const sockets = requests.map(([model_id, inputs]) => {
    const socket = connect({ path: daemon.socketPath });
    socket.on('error', () => undefined);
    socket.write(frame(encodeMsgpack([1, 'models.infer', { model_id, inputs }])));
    return socket;
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
};

const crowds: Readonly<Record<string, readonly [string, Crowd]>> = {
  'HTTP on uwebsockets': ['uwebsockets', httpCrowd],
  'HTTP on node': ['node', httpCrowd],
  ipc: ['node', ipcCrowd],
};

for (const [door, [adapter, crowd]] of Object.entries(crowds)) {
  test(`clients that go away leave nothing behind (${door})`, watchdog, async (t) => {
    const place = await openPlace(t);
    const daemon = await place.start({ args: ['--set', `api.http.adapter=${adapter}`] });
    await registerModel(place, daemon, { id: 'l/slow@1', model: slowModel() });
    daemon.http.close();
    await becomes(() => false, 300);
    const before = openDescriptorsOf(daemon.pid).length;
    const endless = ['l/slow@1', { turns: 1_000_000, x: 1 }] as const;
    const leave = await crowd(daemon, Array(21).fill(endless));
    const isFull = () => openDescriptorsOf(daemon.pid).length >= before + 21;
    assert.ok(await becomes(isFull, 10_000));
    await becomes(() => false, 200);
    leave();
    const leftAt = performance.now();
    const isBack = () => openDescriptorsOf(daemon.pid).length <= before;
    assert.ok(await becomes(isBack, 5_000), 'their descriptors are given back');
    t.diagnostic(`gone → descriptors given back: ${(performance.now() - leftAt).toFixed(0)} ms`);
    const { body } = await daemon.http.get('/stats');
    assert.equal(body.errors_by_code.CANCELLED, 21, 'what nobody waits for is not run');
  });
}
