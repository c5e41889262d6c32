import assert from 'node:assert/strict';
import { appendFileSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeHome } from '../axon/run-axon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';

const watchdog = { timeout: 60_000 };

test(
  'a daemon that wants signatures takes what a trusted key signed, and nothing else',
  watchdog,
  async (t) => {
    const home = makeHome(t);
    writeFileSync(join(home.dir, 'net.onnx'), tinyOnnx());
    await home.axon('install', './net.onnx', '--as', 'my/net@1');
    for (const name of ['mine', 'other']) await home.axon('keygen', '-o', name);
    const installed = join(home.models, 'my/net/1');
    const copy = (name: string) => {
      const folder = join(home.dir, name);
      cpSync(installed, folder, { recursive: true });
      return folder;
    };
    const unsigned = copy('unsigned');
    await home.axon('sign', 'my/net@1', '--key', 'other.pem');
    const byOther = copy('by-other');
    await home.axon('sign', 'my/net@1', '--key', 'mine.pem');
    const [changedManifest, changedFile, unlisted] = [
      copy('manifest'),
      copy('file'),
      copy('unlisted'),
    ];
    appendFileSync(join(changedManifest, 'manifest.yaml'), '# changed\n');
    appendFileSync(join(changedFile, 'net.onnx'), 'x');
    writeFileSync(join(unlisted, 'other.onnx'), tinyOnnx());

    const place = await openPlace(t);
    const settings = (keys: string) =>
      ['security.require_signatures=true', `security.trusted_keys=${keys}`].flatMap((setting) => [
        '--set',
        setting,
      ]);
    const daemon = await place.start({ args: settings(join(home.dir, 'mine.pub.pem')) });
    const register = async (folder: string, id = 'my/net@1', file = '') => {
      const body = { model_id: id, path: join(folder, file), load: false };
      const { status, body: answer } = await daemon.http.post('/models/register', body);
      const { code = '', message = '' } = answer as { code?: string; message?: string };
      return `${status} ${code} ${message}`;
    };
    assert.match(await register(unsigned), /^403 SIGNATURE_INVALID .*is not signed/);
    assert.match(await register(byOther), /^403 SIGNATURE_INVALID .*not among the trusted/);
    assert.match(await register(changedManifest), /^403 SIGNATURE_INVALID .*not the one/);
    assert.match(await register(changedFile), /^500 DATA_CORRUPTED/);
    assert.match(await register(installed, 'my/other@1'), /^403 SIGNATURE_INVALID .*as my\/net@1/);
    assert.match(await register(unlisted, 'my/net@1', 'other.onnx'), /^403 .*not among the files/);
    assert.match(await register(installed), /^200 /);
    rmSync(join(home.dir, 'net.onnx'));

    for (const [keys, says] of [
      ['', /names no key/],
      [join(home.dir, 'mine.pem'), /no public ed25519 key/],
      [join(home.dir, 'none.pem'), /cannot be read/],
    ] as const) {
      const elsewhere = await openPlace(t);
      const broken = elsewhere.launch({ args: settings(keys) });
      assert.notEqual((await broken.exited).code, 0);
      assert.match(broken.output, says);
    }
  },
);
