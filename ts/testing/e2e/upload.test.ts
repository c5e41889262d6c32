import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Ended, type Home, makeHome } from '../axon/run-axon.ts';
import { anotherHost } from '../daemon/another-host.ts';
import { infer } from '../daemon/models.ts';
import { becomes } from '../daemon/processes.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { matMulModel } from '../onnx-models.ts';

/*
 * Guards: a model comes to a daemon that does not see the client's files, whole or not at all, and goes
 * on after kill -9 in the middle. Small chunks make a middle.
 */
const side = 640;
const model = matMulModel(side, side);
const settings = ['--set', 'api.http.max_body_bytes=4096'];
const watchdog = { timeout: 120_000 };

interface Registered {
  readonly how: string;
  readonly uploaded_bytes: number;
}

async function setUp(t: TestContext): Promise<{ place: Place; home: Home }> {
  const place = await openPlace(t);
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), model);
  const done = await home.axon('install', './net.onnx', '--as', 'my/net@1');
  assert.equal(done.status, 0, done.stderr);
  return { place, home };
}

const endpointOf = (daemon: DaemonProcess) => `http://127.0.0.1:${daemon.httpPort}`;

function register(home: Home, endpoint: string, ...more: string[]): Promise<Ended> {
  return home.axon('register', 'my/net@1', '--endpoint', endpoint, '--json', ...more);
}

function only(ended: Ended): Registered {
  assert.equal(ended.status, 0, ended.stderr);
  const [first] = ended.json<{ registered: Registered[] }>().registered;
  assert.ok(first !== undefined);
  return first;
}

async function answers(daemon: DaemonProcess): Promise<void> {
  const { status, body } = await infer(daemon, 'my/net@1', { x: Array(side).fill(1) });
  assert.equal(status, 200, JSON.stringify(body));
}

/** Bytes of files that are under way at the daemon. */
function arrived(daemon: DaemonProcess): number {
  const parts = path.join(daemon.dataFolder, 'models/parts');
  if (!fs.existsSync(parts)) return 0;
  const sizes = fs.readdirSync(parts).map((name) => {
    return fs.statSync(path.join(parts, name), { throwIfNoEntry: false })?.size ?? 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

test(
  'the path where the daemon sees it, else the bytes; known ones are not sent again',
  watchdog,
  async (t) => {
    const { place, home } = await setUp(t);
    const daemon = await place.start({ args: settings });
    assert.equal(only(await register(home, endpointOf(daemon))).how, 'path');
    const far = await anotherHost(t, daemon, home.dir);
    const sent = only(await register(home, far));
    assert.deepEqual([sent.how, sent.uploaded_bytes], ['upload', model.byteLength]);
    await answers(daemon);
    const { body } = await daemon.http.get('/models/my/net@1');
    assert.match(body.model.path, /\/data\/models\/packages\/[0-9a-f]{64}$/);
    const again = only(await register(home, far));
    assert.deepEqual([again.how, again.uploaded_bytes], ['upload', 0]);
    await home.axon('install', './net.onnx', '--as', 'my/other@1');
    const other = await home.axon('publish', 'my/other@1', '--target', far, '--json');
    assert.equal(other.json<Registered>().uploaded_bytes, 0, other.stderr);
    assert.equal((await daemon.http.get('/models/my/other@1')).body.model.status, 'unloaded');
  },
);

test('kill -9 in the middle: the same command goes on where it was', watchdog, async (t) => {
  const { place, home } = await setUp(t);
  const daemon = await place.start({ args: settings });
  const cut = register(home, endpointOf(daemon), '--upload');
  assert.ok(await becomes(() => arrived(daemon) > 100_000, 30_000));
  await daemon.end('SIGKILL');
  const broken = await cut;
  assert.equal(broken.status, 21, broken.stderr);
  assert.match(broken.json<{ error: { message: string } }>().error.message, /same command goes on/);
  const after = await place.start({ args: settings });
  assert.equal((await after.http.get('/models')).body.total, 0);
  const kept = arrived(after);
  assert.ok(kept > 100_000 && kept < model.byteLength, `${kept} bytes are kept`);
  const done = only(await register(home, endpointOf(after), '--upload'));
  assert.equal(done.uploaded_bytes, model.byteLength - kept);
  await answers(after);
  assert.deepEqual(fs.readdirSync(path.join(after.dataFolder, 'models/incoming')), []);
});

/**
 * A free port below those that the kernel gives to clients: one that asks again and again for a port that
 * nobody has is connected to itself in the end, and has the port then.
 */
async function lowPort(): Promise<number> {
  for (let port = 15_000 + (process.pid % 10_000); ; port++) {
    const probe = http.createServer().listen(port, '127.0.0.1');
    const isFree = await new Promise<boolean>((settled) => {
      probe.once('listening', () => settled(true)).once('error', () => settled(false));
    });
    await new Promise((closed) => probe.close(closed));
    if (isFree) return port;
  }
}

test('a daemon that comes back in time is not even noticed', watchdog, async (t) => {
  const { place, home } = await setUp(t);
  const port = await lowPort();
  const daemon = await place.start({ args: settings, port });
  await home.axon('config', 'set', 'download.max_retries', '20');
  await home.axon('config', 'set', 'download.retry_wait_ms', '100');
  const under = register(home, endpointOf(daemon), '--upload');
  assert.ok(await becomes(() => arrived(daemon) > 100_000, 30_000));
  await daemon.end('SIGKILL');
  const after = await place.start({ args: settings, port });
  const done = only(await under);
  // A chunk whose answer was cut off may have been sent twice.
  assert.ok(done.uploaded_bytes <= model.byteLength + 4096);
  await answers(after);
});

test('what is damaged here is not sent for ever', watchdog, async (t) => {
  const { place, home } = await setUp(t);
  const daemon = await place.start({ args: settings });
  const file = path.join(home.models, 'my/net/1/net.onnx');
  const bytes = fs.readFileSync(file);
  fs.chmodSync(file, 0o600);
  fs.writeFileSync(file, bytes.fill(0, 1000, 1100));
  const ended = await register(home, endpointOf(daemon), '--upload');
  assert.equal(ended.status, 18, ended.stderr);
  assert.equal((await daemon.http.get('/models')).body.total, 0);
  assert.equal(arrived(daemon), 0);
});
