import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { parseManifest } from '../../protocol/manifest.ts';
import { startHubDouble } from '../hub-double/hub-double.ts';
import { makeTar } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';

const onnx = tinyOnnx();

test('a file is installed, listed, verified, described and removed', async (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), onnx);
  const installed = await home.spawned('install', './net.onnx', '--json');
  assert.equal(installed.status, 0, installed.stderr);
  assert.equal(installed.json()['id'], 'local/net@latest');
  const dir = path.join(home.models, 'local/net/latest');
  const manifest = parseManifest(fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8'));
  assert.deepEqual(manifest.spec.io?.inputs, [
    { name: 'x', dtype: 'float32', shape: [-1, 3], dims: ['batch', 3] },
  ]);
  assert.equal(manifest.metadata.license, 'unknown');
  assert.ok(!JSON.stringify(manifest).includes(home.dir), 'no path of this machine');

  const again = await home.axon('install', './net.onnx', '--json');
  assert.equal(again.json()['status'], 'already-installed');
  assert.equal((await home.axon('list', '--names')).stdout, 'local/net@latest\n');
  assert.equal((await home.axon('verify', 'local/net')).status, 0);
  assert.match((await home.axon('info', 'local/net')).stdout, /input {2}x {2}float32\[batch, 3\]/);

  fs.writeFileSync(path.join(home.dir, 'net.onnx'), tinyOnnx({ weights: [{ name: 'w' }] }));
  const other = await home.axon('install', './net.onnx');
  assert.equal(other.status, 16);
  assert.equal((await home.axon('install', './net.onnx', '--force')).status, 0);

  assert.equal((await home.axon('uninstall', 'local/net')).status, 0);
  assert.deepEqual(home.installed(), []);
  const gone = await home.spawned('verify', 'local/nett', '--json');
  assert.equal(gone.status, 17);
  assert.equal(gone.json<{ error: { code: string } }>().error.code, 'NOT_INSTALLED');
});

test('verify names missing, damaged and extra files', async (t) => {
  const home = makeHome(t);
  const folder = path.join(home.dir, 'net');
  fs.mkdirSync(folder);
  for (const [name, data] of Object.entries({
    'model.onnx': onnx,
    'vocab.txt': 'a\n',
    LICENSE: 'x',
  }))
    fs.writeFileSync(path.join(folder, name), data);
  assert.equal((await home.axon('install', './net', '--as', 'my/net@1')).status, 0);
  const dir = path.join(home.models, 'my/net/1');
  fs.rmSync(path.join(dir, 'LICENSE'));
  fs.writeFileSync(path.join(dir, 'vocab.txt'), 'b\n');
  fs.writeFileSync(path.join(dir, 'stray'), '');
  const verified = await home.axon('verify', 'my/net@1', '--json');
  assert.equal(verified.status, 18);
  const { details } = verified.json<{ error: { details: Record<string, unknown> } }>().error;
  assert.deepEqual(
    [details['missing'], details['damaged'], details['extra']],
    [['LICENSE'], ['vocab.txt'], ['stray']],
  );
});

test('data files that the model names come with it, and must be there', async (t) => {
  const home = makeHome(t);
  const model = tinyOnnx({
    weights: [{ name: 'w', location: 'w.bin' }],
    hiddenLocation: 'sub/h.bin',
  });
  fs.writeFileSync(path.join(home.dir, 'big.onnx'), model);
  fs.writeFileSync(path.join(home.dir, 'w.bin'), 'weights');
  const without = await home.axon('install', './big.onnx');
  assert.notEqual(without.status, 0);
  fs.mkdirSync(path.join(home.dir, 'sub'));
  fs.writeFileSync(path.join(home.dir, 'sub/h.bin'), 'hidden');
  const whole = await home.axon('install', './big.onnx', '--json');
  assert.deepEqual(
    whole.json<{ files: { path: string }[] }>().files.map((file) => file.path),
    ['big.onnx', 'sub/h.bin', 'w.bin'],
  );
  fs.writeFileSync(
    path.join(home.dir, 'evil.onnx'),
    tinyOnnx({ weights: [{ name: 'w', location: '../../etc/passwd' }] }),
  );
  const evil = await home.axon('install', './evil.onnx');
  assert.equal(evil.status, 11, evil.stderr);
});

test('several models without a choice are listed; a link out of the folder is refused', async (t) => {
  const home = makeHome(t);
  const folder = path.join(home.dir, 'two');
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'det.onnx'), onnx);
  fs.writeFileSync(path.join(folder, 'rec.onnx'), onnx);
  const both = await home.axon('install', './two');
  assert.equal(both.status, 13);
  assert.match(both.stderr, /det\.onnx, rec\.onnx.*--include/);
  assert.equal((await home.axon('install', './two', '--include', 'rec.onnx')).status, 0);
  fs.symlinkSync('/etc/hostname', path.join(folder, 'link.txt'));
  assert.equal((await home.axon('install', './two', '--include', 'det.onnx')).status, 11);
});

test('what of a folder is not taken is named: links to folders, links that lead nowhere', async (t) => {
  const home = makeHome(t);
  const folder = path.join(home.dir, 'net');
  fs.mkdirSync(path.join(folder, 'sub'), { recursive: true });
  fs.mkdirSync(path.join(folder, '.git'));
  fs.writeFileSync(path.join(folder, 'sub/model.onnx'), onnx);
  fs.symlinkSync('nowhere', path.join(folder, '.git/head'));
  fs.symlinkSync('sub/model.onnx', path.join(folder, 'model.onnx'));
  const clean = await home.axon('install', 'file:net', '--all', '--as', 'my/clean@1');
  assert.equal(clean.status, 0, clean.stderr);
  assert.doesNotMatch(clean.stderr, /warning/);
  fs.symlinkSync('sub', path.join(folder, 'again'));
  fs.symlinkSync('../gone.json', path.join(folder, 'sub/config.json'));
  const named = await home.axon('install', 'file:net', '--all', '--as', 'my/net@1', '--json');
  assert.equal(named.status, 0, named.stderr);
  assert.match(
    named.stderr,
    /not taken: again \(a link to a folder\), sub\/config\.json \(a link that leads nowhere\)\. .*cp -rL/,
  );
  assert.deepEqual(
    named.json<{ files: { path: string }[] }>().files.map((file) => file.path),
    ['model.onnx', 'sub/model.onnx'],
  );
});

test('a broken model is named as its source names it, not where it lay for the moment', async (t) => {
  const home = makeHome(t);
  const junk = Buffer.alloc(100, 0xff);
  for (const [name, begin] of Object.entries({
    'a.onnx': '',
    'a.gguf': 'GGUF',
    'a.safetensors': '',
    'a.tflite': '    TFL3',
    'saved_model.pb': '',
  })) {
    const folder = path.join(home.dir, `${name}-folder`, 'sub');
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, name), Buffer.concat([Buffer.from(begin), junk]));
    const ended = await home.axon('install', `./${name}-folder`);
    assert.equal(ended.status, 12, ended.stderr);
    assert.ok(ended.stderr.includes(`error: sub/${name} is not a readable `), ended.stderr);
    assert.ok(!ended.stderr.includes(home.dir), ended.stderr);
  }
  assert.deepEqual(fs.readdirSync(path.join(home.dir, 'cache/staging')), []);
});

test('a pointer or a web page under the name of a model is called what it is', async (t) => {
  const home = makeHome(t);
  for (const [text, says] of [
    ['version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n', /Git LFS pointer/],
    ['<!DOCTYPE html><html><body>Log in</body></html>', /web page/],
  ] as const) {
    fs.writeFileSync(path.join(home.dir, 'net.onnx'), text);
    const ended = await home.axon('install', './net.onnx');
    assert.equal(ended.status, 9, ended.stderr);
    assert.match(ended.stderr, says);
  }
});

test('pack gives the same bytes twice, and a package installs elsewhere; a changed one does not', async (t) => {
  const [home, other] = [makeHome(t), makeHome(t)];
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), onnx);
  fs.mkdirSync(path.join(other.dir, 'elsewhere'));
  fs.writeFileSync(path.join(other.dir, 'elsewhere/net.onnx'), onnx);
  await home.axon('install', './net.onnx', '--as', 'my/net@1');
  await other.axon('install', './elsewhere/net.onnx', '--as', 'my/net@1');
  const one = await home.axon('pack', 'my/net@1', '-o', 'a.axon', '--json');
  const two = await other.axon('pack', 'my/net@1', '-o', 'a.axon', '--json');
  assert.equal(one.status, 0, one.stderr);
  assert.equal(one.json()['sha256'], two.json()['sha256']);

  const third = makeHome(t);
  const archive = path.join(home.dir, 'a.axon');
  const fromFile = await third.axon('install', archive, '--json');
  assert.equal(fromFile.status, 0, fromFile.stderr);
  assert.equal(fromFile.json()['id'], 'my/net@1');
  assert.equal((await third.axon('install', archive, '--as', 'your/net@2')).status, 0);
  assert.equal((await third.axon('verify', 'your/net@2')).status, 0);

  const bytes = fs.readFileSync(archive);
  const at = bytes.indexOf('Identity');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  fs.writeFileSync(path.join(home.dir, 'bad.axon'), bytes);
  const fourth = makeHome(t);
  assert.equal((await fourth.axon('install', path.join(home.dir, 'bad.axon'))).status, 10);
  fs.writeFileSync(path.join(home.dir, 'cut.axon'), bytes.subarray(0, at));
  assert.equal((await fourth.axon('install', path.join(home.dir, 'cut.axon'))).status, 12);
  const manifest = fs.readFileSync(path.join(home.models, 'my/net/1/manifest.yaml'));
  const extra = await makeTar([
    { name: 'manifest.yaml', data: manifest },
    { name: 'net.onnx', data: onnx },
    { name: '../../evil', data: onnx },
  ]);
  fs.writeFileSync(path.join(home.dir, 'extra.axon'), extra);
  assert.equal((await fourth.axon('install', path.join(home.dir, 'extra.axon'))).status, 11);
  assert.deepEqual(fourth.installed(), []);
  assert.deepEqual(fs.readdirSync(path.join(fourth.dir, 'cache/staging')), []);
});

test('an address: with a hash, with a wrong one, with a web page behind it', async (t) => {
  const double = await startHubDouble({ files: { 'net.onnx': onnx } });
  t.after(() => double.close());
  const home = makeHome(t);
  const url = `${double.cdn}/net.onnx`;
  const wrong = await home.axon('install', `${url}#sha256=${'0'.repeat(64)}`);
  assert.equal(wrong.status, 10, wrong.stderr);
  double.lie({ on: 'cdn', kind: 'html' });
  const page = await home.axon('install', url);
  assert.equal(page.status, 9);
  assert.match(page.stderr, /web page/);
  double.tellTheTruth();
  double.lie({ on: 'cdn', kind: 'pointer' });
  assert.equal((await home.axon('install', url)).status, 9);
  // What the server itself states of the content counts where the user states nothing.
  for (const [name, value] of [
    ['repr-digest', `sha-256=:${Buffer.alloc(32).toString('base64')}:`],
    ['x-amz-checksum-sha256', Buffer.alloc(32).toString('base64')],
    ['x-goog-hash', `crc32c=AAAAAA==,md5=${Buffer.alloc(16).toString('base64')}`],
  ] as const) {
    double.tellTheTruth();
    double.lie({ on: 'cdn', kind: 'header', headers: { [name]: value } });
    assert.equal((await home.axon('install', url)).status, 10, name);
  }
  double.tellTheTruth();
  assert.deepEqual(home.installed(), []);
  const right = await home.axon('install', url, '--json');
  assert.equal(right.status, 0, right.stderr);
  assert.match(String(right.json()['id']), /^https\/localhost-\d+\/net@latest$/);
});

test('the events of an address say what comes in all, also where the size shows late', async (t) => {
  const double = await startHubDouble({ files: { 'net.onnx': onnx } });
  t.after(() => double.close());
  const home = makeHome(t);
  const events = ({ stderr }: { stderr: string }) =>
    stderr
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const [index, fault] of [null, 'no-length'].entries()) {
    if (fault === 'no-length') double.lie({ on: 'cdn', kind: fault });
    const id = `my/net@${index}`;
    const ended = await home.axon(
      ...['install', `${double.cdn}/net.onnx`, '--as', id, '--json', '--force'],
    );
    assert.equal(ended.status, 0, ended.stderr);
    const all = events(ended);
    assert.equal(all.find(({ event }) => event === 'plan')?.['files'], 1);
    const { total } = all.findLast(({ event }) => event === 'file') ?? {};
    const { files, files_done, bytes, size } = total as Record<string, unknown>;
    assert.deepEqual([files, files_done, bytes, size], [1, 1, onnx.length, onnx.length]);
  }
});

test('register posts what the daemon needs and shows its answer, its error, and its absence', async (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), onnx);
  await home.axon('install', './net.onnx', '--as', 'my/net@1');
  const bodies: Record<string, unknown>[] = [];
  const daemon = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += String(chunk);
    });
    request.on('end', () => {
      bodies.push(JSON.parse(text) as Record<string, unknown>);
      const ok = bodies.length === 1;
      response.writeHead(ok ? 200 : 422, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(
          ok
            ? { status: 'success', inference_endpoint: '/models/my%2Fnet%401/inference' }
            : { status: 'error', code: 'MODEL_LOAD_FAILED', message: 'no such operator' },
        ),
      );
    });
  });
  await new Promise<void>((ready) => daemon.listen(0, '127.0.0.1', ready));
  t.after(() => daemon.close());
  const endpoint = `http://127.0.0.1:${(daemon.address() as AddressInfo).port}`;
  const done = await home.axonWith({ MLOS_CORE_ENDPOINT: endpoint }, 'register', 'my/net@1');
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /curl -s 'http:\/\/127.*inference'.*"x":\[\[0,0,0\]\]/);
  const dir = path.join(home.models, 'my/net/1');
  assert.deepEqual(bodies[0], {
    model_id: 'my/net@1',
    name: 'net',
    framework: 'onnx',
    execution_format: 'onnx',
    path: dir,
    description: '',
    manifest_path: path.join(dir, 'manifest.yaml'),
    manifest_sha256: createHash('sha256')
      .update(fs.readFileSync(path.join(dir, 'manifest.yaml')))
      .digest('hex'),
  });
  const refused = await home.axon('register', 'my/net@1', '--endpoint', endpoint);
  assert.equal(refused.status, 22);
  assert.match(refused.stderr, /no such operator \[MODEL_LOAD_FAILED\]/);
  const nobody = await home.axon('register', 'my/net@1', '--endpoint', 'http://127.0.0.1:1');
  assert.equal(nobody.status, 21);
  assert.match(nobody.stderr, /mlos serve/);
  const line = ['install', './net.onnx', '--as', 'my/other@1', '--register'];
  const installed = await home.axon(...line, '--endpoint', 'http://127.0.0.1:1');
  assert.equal(installed.status, 21);
  assert.match(
    installed.stderr,
    /my\/other@1 is installed, but was not registered: .*mlos serve.* Then: axon register my\/other@1/,
  );
  assert.equal((await home.axon('verify', 'my/other@1')).status, 0);
});

test('two installs of one model at the same time both end well', async (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), onnx);
  const ends = await Promise.all(
    [1, 2, 3].map(() => home.spawned('install', './net.onnx', '--json')),
  );
  assert.deepEqual(ends.map((end) => [end.status, end.json()['status']]).sort(), [
    [0, 'already-installed'],
    [0, 'already-installed'],
    [0, 'installed'],
  ]);
});

test('one model cannot lie inside of another', async (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), onnx);
  assert.equal((await home.axon('install', './net.onnx', '--as', 'my/a@b')).status, 0);
  assert.equal((await home.axon('install', './net.onnx', '--as', 'my/a/b@1')).status, 16);
  assert.equal((await home.axon('install', './net.onnx', '--as', 'my/c/d@1')).status, 0);
  assert.equal((await home.axon('install', './net.onnx', '--as', 'my/c@d')).status, 16);
});
