import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Ended, type Home, makeHome } from '../axon/run-axon.ts';
import { anotherHost } from '../daemon/another-host.ts';
import { infer } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { matMulModel } from '../onnx-models.ts';

/*
 * Guards: a daemon that wants signatures gets them from `axon register`, whether it sees the files or is
 * sent them over HTTP; what is not signed as it is, is refused by name, and not a byte of it is sent.
 */
const watchdog = { timeout: 120_000 };
const side = 64;
const bytes = Buffer.from(matMulModel(side, side));

async function setUp(t: TestContext): Promise<{ home: Home; daemon: DaemonProcess }> {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), bytes);
  for (const name of ['mine', 'other']) await home.axon('keygen', '-o', name);
  for (const [id, key] of [
    ['my/net@1', 'mine'],
    ['my/others@1', 'other'],
    ['my/unsigned@1', null],
  ] as const) {
    const done = await home.axon('install', './net.onnx', '--as', id);
    assert.equal(done.status, 0, done.stderr);
    if (key !== null) await home.axon('sign', id, '--key', `${key}.pem`);
  }
  const place = await openPlace(t);
  const settings = [
    'security.require_signatures=true',
    `security.trusted_keys=${path.join(home.dir, 'mine.pub.pem')}`,
    'api.http.max_body_bytes=4096',
  ];
  const daemon = await place.start({ args: settings.flatMap((one) => ['--set', one]) });
  return { home, daemon };
}

const register = (home: Home, id: string, endpoint: string, ...more: string[]) =>
  home.axon('register', id, '--endpoint', endpoint, '--json', ...more);

function registered(ended: Ended): { how: string; uploaded_bytes: number } {
  assert.equal(ended.status, 0, ended.stdout + ended.stderr);
  const [one] = ended.json<{ registered: { how: string; uploaded_bytes: number }[] }>().registered;
  assert.ok(one !== undefined);
  return one;
}

function refusedAs(code: string, ended: Ended, says: RegExp): void {
  assert.equal(ended.status, 22, ended.stdout + ended.stderr);
  const { error } = ended.json<{ error: { message: string; details: { daemon_code: string } } }>();
  assert.equal(error.details.daemon_code, code);
  assert.match(error.message, says);
}

/** Whether anything of a model lies at the daemon, wholly or in part. */
const kept = ({ dataFolder }: DaemonProcess) =>
  ['parts', 'blobs', 'incoming', 'packages']
    .map((name) => path.join(dataFolder, 'models', name))
    .flatMap((folder) => (fs.existsSync(folder) ? fs.readdirSync(folder) : []));

test(
  'a signed model is registered by its path, by upload and from another host',
  watchdog,
  async (t) => {
    const { home, daemon } = await setUp(t);
    const here = `http://127.0.0.1:${daemon.httpPort}`;
    assert.equal(registered(await register(home, 'my/net@1', here)).how, 'path');
    const sent = registered(await register(home, 'my/net@1', here, '--upload'));
    assert.deepEqual([sent.how, sent.uploaded_bytes], ['upload', bytes.length]);
    const far = await anotherHost(t, daemon, home.dir);
    const again = registered(await register(home, 'my/net@1', far));
    assert.deepEqual([again.how, again.uploaded_bytes], ['upload', 0]);
    const answer = await infer(daemon, 'my/net@1', { x: Array(side).fill(1) });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  },
);

test(
  'what nobody trusted signed is refused by name, and not a byte is sent',
  watchdog,
  async (t) => {
    const { home, daemon } = await setUp(t);
    const here = `http://127.0.0.1:${daemon.httpPort}`;
    const far = await anotherHost(t, daemon, home.dir);
    for (const [id, says] of [
      ['my/unsigned@1', /is not signed/],
      ['my/others@1', /not among the trusted/],
    ] as const) {
      refusedAs('SIGNATURE_INVALID', await register(home, id, here), says);
      refusedAs('SIGNATURE_INVALID', await register(home, id, here, '--upload'), says);
      refusedAs('SIGNATURE_INVALID', await register(home, id, far), says);
    }
    // A manifest that was changed on its way, and one that was signed under another id.
    const changed = await anotherHost(t, daemon, home.dir, (json) =>
      json.replace('kind: Model', 'kind:  Model'),
    );
    refusedAs('SIGNATURE_INVALID', await register(home, 'my/net@1', changed), /not the one/);
    const renamed = await anotherHost(t, daemon, home.dir, (json) =>
      json.replaceAll('"model_id":"my/net@1"', '"model_id":"my/wrong@1"'),
    );
    refusedAs(
      'SIGNATURE_INVALID',
      await register(home, 'my/net@1', renamed),
      /signed as my\/net@1/,
    );
    assert.deepEqual(kept(daemon), []);
  },
);

test(
  'files that were changed after they were signed are refused on either way',
  watchdog,
  async (t) => {
    const { home, daemon } = await setUp(t);
    const here = `http://127.0.0.1:${daemon.httpPort}`;
    const file = path.join(home.models, 'my/net/1/net.onnx');
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    fs.rmSync(file);
    fs.writeFileSync(file, flipped);
    refusedAs('DATA_CORRUPTED', await register(home, 'my/net@1', here), /sha256/);
    const sent = await register(home, 'my/net@1', here, '--upload');
    assert.equal(sent.status, 18, sent.stdout);
    assert.match(sent.stdout, /not as it was installed/);
    const { body } = await daemon.http.get('/models');
    assert.deepEqual(body.models, []);
  },
);
