import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf, registerModel } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { identityModel } from '../onnx-models.ts';

/*
 * Guards: a path that a caller names is no way to hold up the daemon. Whatever lies there is answered,
 * and other work goes on.
 */
const watchdog = { timeout: 60_000 };
/** A watchdog around what may hang. */
const patienceMs = 5_000;

async function register(daemon: DaemonProcess, path: string, rest = {}): Promise<string> {
  const params = { model_id: 'h/odd@1', path, execution_format: 'onnx', ...rest };
  let timer: NodeJS.Timeout | undefined;
  const hangs = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('no answer'), patienceMs);
  });
  const answer = daemon.http.post('/models/register', params).then(codeOf, () => 'cut');
  return Promise.race([answer, hangs]).finally(() => clearTimeout(timer));
}

test('an endless file', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  assert.equal(await register(daemon, '/dev/zero'), '400 INVALID_ARGUMENT');
  const link = join(place.folder, 'link.onnx');
  symlinkSync('/dev/zero', link);
  assert.equal(await register(daemon, link), '400 INVALID_ARGUMENT');
});

test('pipes that nobody writes', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const pipe = join(place.folder, 'pipe.onnx');
  execFileSync('mkfifo', [pipe]);
  // More of them than there are threads for files.
  const answers = await Promise.all(Array.from({ length: 6 }, () => register(daemon, pipe)));
  const good = await place.file('good.onnx', identityModel('float32', []));
  assert.equal(await register(daemon, good, { model_id: 'h/good@1' }), 'ok', 'others are served');
  assert.deepEqual([...new Set(answers)], ['400 INVALID_ARGUMENT']);
});

test('a manifest and a plugin.yaml that are pipes', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  for (const name of ['manifest.yaml', 'plugin.yaml']) {
    const folder = join(place.folder, name.slice(0, 4));
    mkdirSync(folder);
    execFileSync('mkfifo', [join(folder, name)]);
  }
  await place.file('mani/model.onnx', identityModel('float32', []));
  const manifest = await register(daemon, join(place.folder, 'mani'));
  assert.match(manifest, /INVALID_(MANIFEST|ARGUMENT)/);
  const plugin = daemon.http.post('/plugins/register', { path: join(place.folder, 'plug') });
  const hangs = new Promise<string>((resolve) =>
    setTimeout(() => resolve('no answer'), patienceMs),
  );
  assert.match(
    await Promise.race([plugin.then(codeOf, () => 'cut'), hangs]),
    /INVALID_(MANIFEST|ARGUMENT)/,
  );
});

test('folders, loops and dead ends', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  mkdirSync(join(place.folder, 'folder.onnx'));
  symlinkSync('loop.onnx', join(place.folder, 'loop.onnx'));
  symlinkSync('/nowhere', join(place.folder, 'dead.onnx'));
  for (const name of ['folder.onnx', 'loop.onnx', 'dead.onnx']) {
    assert.equal(await register(daemon, join(place.folder, name)), '400 INVALID_ARGUMENT', name);
  }
  mkdirSync(join(place.folder, 'package'));
  symlinkSync('/etc/passwd', join(place.folder, 'package', 'model.onnx'));
  const outside = await register(daemon, join(place.folder, 'package'));
  assert.equal(outside, '403 PERMISSION_DENIED', 'out of the package');
});

test('a name that is not known costs little, however many are', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const path = await registerModel(place, daemon, {
    id: 'h/x@1',
    model: identityModel('int8', []),
  });
  const long = 'some-organisation/some-long-name-of-a-model-as-they-are-on-the-hubs';
  for (let i = 0; i < 1_000; i++) {
    const model_id = `hf/${long}-${i}@latest`;
    const { status } = await daemon.http.post('/models/register', { model_id, path, load: false });
    assert.equal(status, 200);
  }
  const times: number[] = [];
  for (let i = 0; i < 11; i++) {
    const begun = performance.now();
    const reply = await daemon.http.get(`/models/hf%2F${encodeURIComponent(long)}-x${i}`);
    times.push(performance.now() - begun);
    assert.equal(codeOf(reply), '404 MODEL_NOT_FOUND');
    assert.match(reply.body.message, /Did you mean/);
  }
  const median = times.sort((a, b) => a - b)[5] ?? Number.NaN;
  t.diagnostic(`404 among 1,000 models: median ${median.toFixed(1)} ms`);
  // A promise: a refused request costs under 50 ms, and this one holds up all others meanwhile.
  assert.ok(median < 50, `median ${median} ms`);
});
