import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Ended, type Home, makeHome } from './run-axon.ts';

/* Guards: what is secret in an address is used and not kept: a manifest travels, and so does what is shown. */
let double: HubDouble;
before(async () => {
  double = await startHubDouble({
    repos: [{ id: 'acme/bert', files: { 'model.onnx': tinyOnnx() } }],
    files: { 'net.onnx': tinyOnnx(), 'large.onnx': Buffer.alloc(300_000, 7) },
  });
});
after(() => double.close());

async function must(home: Home, ...argv: string[]): Promise<Ended> {
  const ended = await home.axon(...argv);
  assert.equal(ended.status, 0, ended.stderr);
  assert.doesNotMatch(ended.stdout + ended.stderr, /hush/);
  return ended;
}

const holding = (dir: string, text: string) =>
  (fs.readdirSync(dir, { recursive: true }) as string[]).filter((name) => {
    const file = path.join(dir, name);
    return fs.statSync(file).isFile() && fs.readFileSync(file).includes(text);
  });

test('what signs an address is not stored, shown or passed on', async (t) => {
  const home = makeHome(t, double);
  const address = (token: string) =>
    `${double.cdn}/net.onnx?file=a&token=${token}&X-Amz-Signature=hush2`;
  await must(home, 'install', address('hush'), '--as', 'my/net@1', '--json');
  assert.ok(double.seen.some(({ path: at }) => at.endsWith('token=hush&X-Amz-Signature=hush2')));
  assert.deepEqual(holding(home.dir, 'hush'), []);
  const manifest = fs.readFileSync(path.join(home.models, 'my/net/1/manifest.yaml'), 'utf8');
  assert.doesNotMatch(manifest, /\?/);
  const info = await must(home, 'info', 'my/net@1');
  assert.ok(info.stdout.includes(`source    https ${double.cdn}/net.onnx?file=a,`), info.stdout);
  const again = await must(home, 'install', address('hush3'), '--as', 'my/net@1');
  assert.match(again.stdout, /already installed/);
  const other = `${double.cdn}/net.onnx?file=b&token=hush`;
  assert.equal((await home.axon('install', other, '--as', 'my/net@1')).status, 16);
  const gone = await home.axon('install', `${double.cdn}/none.onnx?token=hush`, '--json');
  assert.equal(gone.status, 5);
  assert.doesNotMatch(gone.stdout + gone.stderr, /hush/);
});

test('what is left of an interrupted download does not hold them either', async (t) => {
  const home = makeHome(t, double);
  double.lie({ on: 'cdn', kind: 'short', times: 50 });
  const address = `${double.cdn}/large.onnx?token=hush`;
  assert.notEqual((await home.axon('install', address, '--as', 'my/net@1')).status, 0);
  assert.notDeepEqual(holding(path.join(home.dir, 'cache/staging'), 'etag'), []);
  assert.deepEqual(holding(home.dir, 'hush'), []);
  double.tellTheTruth();
});

test('what an earlier version noted with its secrets is still the same', async (t) => {
  const home = makeHome(t, double);
  const address = `${double.cdn}/net.onnx?file=a&token=hush`;
  await must(home, 'install', address, '--as', 'my/net@1');
  const dir = path.join(home.models, 'my/net/1');
  const [yaml, json] = ['manifest.yaml', '.axon_metadata.json'].map((name) =>
    path.join(dir, name),
  ) as [string, string];
  const text = fs
    .readFileSync(yaml, 'utf8')
    .replaceAll(`${double.cdn}/net.onnx`, JSON.stringify(address));
  assert.match(text, /hush/);
  fs.writeFileSync(yaml, text);
  const { from, asked, ...rest } = JSON.parse(fs.readFileSync(json, 'utf8'));
  assert.ok(from);
  const older = {
    ...rest,
    asked: { ...asked, source: address },
    manifest_sha256: sha256(Buffer.from(text)),
  };
  fs.writeFileSync(json, JSON.stringify(older));
  const again = await must(home, 'install', address, '--as', 'my/net@1');
  assert.match(again.stdout, /already installed/);
});

test('a password in the address of a hub is used and not shown', async (t) => {
  const home = makeHome(t, double);
  const mirror = double.hf.replace('://', '://me:hush@');
  const bare = { HF_ENDPOINT: '' };
  for (const argv of [
    ['registry', 'set', 'hf', mirror],
    ['registry', 'list'],
    ['registry', 'list', '--json'],
    ['config', 'list'],
    ['config', 'get', 'registry.endpoints.hf'],
    ['registry', 'add', 'hf', double.hf],
    ['install', 'hf/acme/bert'],
  ]) {
    const { stdout, stderr } = await home.axonWith(bare, ...argv);
    assert.doesNotMatch(stdout + stderr, /hush/, argv.join(' '));
    assert.match(stdout + stderr, /\*\*\*@|token/, argv.join(' '));
  }
  assert.deepEqual(holding(home.dir, 'hush'), ['config.yaml']);
  // The double takes it for a token that it does not know.
  const sent = double.seen.find(({ path: at }) => at.startsWith('/api/models/acme/bert'));
  assert.match(sent?.headers.authorization ?? '', /^Basic /);
});
