import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { packArchive } from '../../axon/package/pack-archive.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/** A home with a model, a pair of keys of its own and those of somebody else. */
async function makeSigned(home: Home): Promise<string> {
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), tinyOnnx());
  assert.equal((await home.axon('install', './net.onnx', '--as', 'my/net@1')).status, 0);
  for (const name of ['mine', 'other'])
    assert.equal((await home.axon('keygen', '-o', name)).status, 0);
  const signed = await home.axon('sign', 'my/net@1', '--key', 'mine.pem', '--json');
  assert.equal(signed.status, 0, signed.stderr);
  return String(signed.json()['key_id']);
}

/** Changes a signed folder, and packs it as somebody else's tool might. */
async function tamper({ dir }: Home, name: string): Promise<void> {
  const folder = path.join(dir, name);
  const read = (file: string) => fs.readFileSync(path.join(folder, file), 'utf8');
  fs.appendFileSync(path.join(folder, 'manifest.yaml'), '# changed\n');
  const { signal } = new AbortController();
  const [text, signature] = [read('manifest.yaml'), read('manifest.yaml.sig')];
  await packArchive(folder, text, signature, `${folder}.axon`, signal);
}

test('keys are made once, the private one for its owner only', async (t) => {
  const home = makeHome(t);
  assert.equal((await home.axon('keygen')).status, 0);
  assert.equal(fs.statSync(path.join(home.dir, 'axon-key.pem')).mode & 0o777, 0o600);
  assert.equal((await home.axon('keygen')).status, 16);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), tinyOnnx());
  await home.axon('install', './net.onnx', '--as', 'my/net@1');
  for (const key of ['axon-key.pub.pem', 'net.onnx'])
    assert.equal((await home.axon('sign', 'my/net@1', '--key', key)).status, 2, key);
  assert.equal((await home.axon('sign', 'my/net@1')).status, 2);
  assert.equal((await home.axon('sign', 'my/net@1', '--key', 'none.pem')).status, 19);
  assert.equal((await home.axon('verify', 'my/net@1', '--key', 'axon-key.pub.pem')).status, 27);
});

test('a signature goes with the package and is checked by its key only', async (t) => {
  const home = makeHome(t);
  const id = await makeSigned(home);
  const verified = await home.axon('verify', 'my/net@1', '--key', 'mine.pub.pem', '--json');
  assert.equal(verified.json()['signed_by'], id);
  assert.equal((await home.axon('verify', 'my/net@1', '--key', 'other.pub.pem')).status, 27);
  assert.equal((await home.axon('verify', 'my/net@1')).status, 0);
  assert.equal((await home.axon('pack', 'my/net@1', '-o', 'a.axon')).status, 0);
  assert.equal((await home.axon('verify', 'a.axon', '--key', 'mine.pub.pem')).status, 0);
  // An archive is signed the same as what it is made from.
  fs.rmSync(path.join(home.models, 'my/net/1/manifest.yaml.sig'));
  await home.axon('pack', 'my/net@1', '-o', 'b.axon');
  assert.equal((await home.axon('verify', 'b.axon', '--key', 'mine.pub.pem')).status, 27);
  assert.equal((await home.axon('sign', 'b.axon', '--key', 'mine.pem')).status, 0);
  const bytes = (name: string) => fs.readFileSync(path.join(home.dir, name));
  assert.ok(bytes('a.axon').equals(bytes('b.axon')));

  const there = makeHome(t);
  const archive = path.join(home.dir, 'a.axon');
  const installed = await there.axon('install', archive);
  assert.equal(installed.status, 0, installed.stderr);
  assert.match(installed.stderr, /not trusted here/);
  const key = path.join(home.dir, 'mine.pub.pem');
  assert.equal((await there.axon('verify', 'my/net@1', '--key', key)).status, 0);
  assert.equal((await there.axon('install', archive, '--as', 'your/net@1')).status, 0);
  assert.equal((await there.axon('verify', 'your/net@1', '--key', key)).status, 27);
  assert.equal((await there.axon('verify', 'your/net@1')).status, 0);
});

test('what a trusted key signed is installed as it was signed, or not at all', async (t) => {
  const home = makeHome(t);
  await makeSigned(home);
  await home.axon('pack', 'my/net@1', '-o', 'a.axon');
  await home.axon('unpack', 'a.axon', '-C', 'changed');
  await tamper(home, 'changed');
  const there = makeHome(t);
  const key = path.join(home.dir, 'mine.pub.pem');
  await there.axon('config', 'set', 'security.trusted_keys', `${key}, ${key}`);
  const changed = await there.axon('install', path.join(home.dir, 'changed.axon'), '--json');
  assert.equal(changed.status, 27, changed.stderr);
  assert.deepEqual(there.installed(), []);
  const good = await there.axon('install', path.join(home.dir, 'a.axon'));
  assert.equal(good.status, 0, good.stderr);
  assert.match((await there.axon('verify', 'my/net@1')).stdout, /Signed by [0-9a-f]{32}/);
  fs.rmSync(key);
  const lost = await there.axon('verify', 'my/net@1');
  assert.equal(lost.status, 2);
  assert.match(lost.stderr, /security\.trusted_keys/);
});

test('a manifest that was changed after it was signed is found without any key', async (t) => {
  const home = makeHome(t);
  const id = await makeSigned(home);
  await home.axon('pack', 'my/net@1', '-o', 'a.axon');
  await home.axon('unpack', 'a.axon', '-C', 'changed');
  const file = (name: string) => path.join(home.dir, 'changed', name);
  const whole = await home.axon('verify', './changed');
  assert.match(
    whole.stderr,
    new RegExp(`is as the key ${id} signed it, which is not trusted here`),
  );
  await tamper(home, 'changed');
  assert.equal((await home.axon('pack', './changed', '-o', 'b.axon')).status, 27);
  const there = makeHome(t);
  const changed = path.join(home.dir, 'changed.axon');
  for (const verb of ['verify', 'install'])
    assert.equal((await there.axon(verb, changed)).status, 27, verb);
  assert.deepEqual(there.installed(), []);
  // Signatures of earlier versions carry no key: nothing is said that was not checked.
  const { public_key: _, ...older } = JSON.parse(
    fs.readFileSync(file('manifest.yaml.sig'), 'utf8'),
  );
  fs.writeFileSync(file('manifest.yaml.sig'), JSON.stringify(older));
  const unchecked = await home.axon('verify', './changed');
  assert.equal(unchecked.status, 0, unchecked.stderr);
  assert.match(
    unchecked.stderr,
    new RegExp(`says that the key ${id} signed it. Nothing here checks`),
  );
});

test('nobody signs what is damaged', async (t) => {
  const home = makeHome(t);
  await makeSigned(home);
  await home.axon('pack', 'my/net@1', '-o', 'a.axon');
  await home.axon('unpack', 'a.axon', '-C', 'out');
  fs.appendFileSync(path.join(home.dir, 'out/net.onnx'), 'x');
  assert.equal((await home.axon('sign', './out', '--key', 'mine.pem')).status, 18);
});

test('what a trusted key signed is not replaced by what nobody signed', async (t) => {
  const home = makeHome(t);
  await makeSigned(home);
  await home.axon('pack', 'my/net@1', '-o', 'signed.axon');
  const [yaml, sig] = ['manifest.yaml', 'manifest.yaml.sig'].map((name) =>
    path.join(home.models, 'my/net/1', name),
  ) as [string, string];
  const signature = fs.readFileSync(sig);
  fs.rmSync(sig);
  await home.axon('pack', 'my/net@1', '-o', 'stripped.axon');
  fs.writeFileSync(sig, signature);
  fs.appendFileSync(yaml, '# another\n');
  fs.rmSync(sig);
  await home.axon('pack', 'my/net@1', '-o', 'forged.axon');

  const there = makeHome(t);
  const at = (name: string) => path.join(home.dir, name);
  assert.equal(
    (await there.axon('config', 'set', 'security.trusted_keys', '/none.pem')).status,
    2,
    'a key that is not there',
  );
  const set = await there.axon('config', 'set', 'security.trusted_keys', at('mine.pub.pem'));
  assert.equal(set.status, 0, set.stderr);
  assert.equal((await there.axon('install', at('signed.axon'))).status, 0);
  for (const name of ['stripped.axon', 'forged.axon'])
    assert.equal((await there.axon('install', at(name), '--force')).status, 27, name);
  const verified = await there.axon('verify', 'my/net@1', '--key', at('mine.pub.pem'));
  assert.equal(verified.status, 0, verified.stderr);
});

test('the folder of a package is installed as the package that it is', async (t) => {
  const home = makeHome(t);
  await makeSigned(home);
  const dir = path.join(home.models, 'my/net/1');
  fs.cpSync(dir, path.join(home.dir, 'copy'), { recursive: true });
  fs.rmSync(path.join(home.dir, 'copy/.axon_metadata.json'));
  const manifest = fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8');
  assert.equal((await home.axon('uninstall', 'my/net@1')).status, 0);
  const installed = await home.axon('install', './copy', '--json');
  assert.equal(installed.status, 0, installed.stderr);
  assert.equal(installed.json()['id'], 'my/net@1');
  assert.equal(fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8'), manifest);
  assert.ok(fs.existsSync(path.join(dir, 'manifest.yaml.sig')));
  fs.writeFileSync(path.join(home.dir, 'copy/manifest.yaml'), 'kind: ConfigMap\n');
  const loose = await home.axon('install', './copy', '--as', 'my/loose@1');
  assert.equal(loose.status, 0, loose.stderr);
  assert.match(loose.stderr, /counts as loose files, and its manifest is left out/);
  fs.writeFileSync(path.join(home.dir, 'copy/manifest.yaml'), manifest.replace('kind:', 'kin:'));
  assert.equal((await home.axon('install', './copy', '--as', 'my/other@1')).status, 12);
});

test('a signature that is none is found by validate as by install', async (t) => {
  const home = makeHome(t);
  await makeSigned(home);
  fs.writeFileSync(path.join(home.models, 'my/net/1/manifest.yaml.sig'), Buffer.from([0xff, 0xfe]));
  assert.equal((await home.axon('validate', 'my/net@1')).status, 27);
});
