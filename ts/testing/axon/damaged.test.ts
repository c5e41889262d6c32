import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/*
 * Models that lost what says what they are: the manifest, or the note of their install. They are named, and
 * come back where that is what was there.
 */
const files = { 'config.json': '{}', 'onnx/model.onnx': tinyOnnx(), 'README.md': '# net' };
const repos = [{ id: 'acme/net', files: files as Record<string, string | Buffer> }];
const served: Record<string, Buffer> = {};

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ repos, files: served });
});
beforeEach(() => {
  repos[0] = { id: 'acme/net', files };
  double.seen.length = 0;
});
after(() => double.close());

async function must(home: Home, ...argv: string[]) {
  const ended = await home.axon(...argv);
  assert.equal(ended.status, 0, ended.stderr);
  return ended;
}

const dirOf = (home: Home) => path.join(home.models, 'hf/acme/net/latest');
const manifestOf = (home: Home) => path.join(dirOf(home), 'manifest.yaml');
const fetched = () => double.seen.filter(({ on, path: at }) => on === 'cdn' || /resolve/.test(at));

for (const [how, damage, says] of [
  ['is missing', (file: string) => fs.rmSync(file), /manifest\.yaml is missing\./],
  ['is empty', (file: string) => fs.writeFileSync(file, '\n'), /manifest\.yaml is empty\./],
  ['is none', (file: string) => fs.writeFileSync(file, 'no: x'), /manifest\.yaml: /],
  ['was changed', (file: string) => fs.appendFileSync(file, '\n'), /damaged manifest\.yaml/],
] as const)
  test(`a model whose manifest ${how} is named, and repaired without fetching a file`, async (t) => {
    const home = makeHome(t, double);
    await must(home, 'install', 'hf/acme/net', '--exclude', '*.md');
    await must(home, 'pin', 'hf/acme/net');
    const text = fs.readFileSync(manifestOf(home), 'utf8');
    damage(manifestOf(home));
    if (how !== 'was changed') {
      for (const form of [[], ['--names']])
        assert.match((await must(home, 'list', ...form)).stderr, says);
      assert.match((await home.axon('install', 'hf/acme/net')).stderr, says);
    }
    const found = await home.axon('fsck');
    assert.equal(found.status, 18);
    assert.match(found.stderr, says);
    double.seen.length = 0;
    const { stdout } = await must(home, 'fsck', '--repair');
    assert.match(stdout, /^Repaired hf\/acme\/net@latest: installed again from hf\/acme\/net\./);
    assert.deepEqual(fetched(), []);
    assert.equal(fs.readFileSync(manifestOf(home), 'utf8'), text);
    await must(home, 'verify', 'hf/acme/net');
    assert.match((await must(home, 'outdated')).stdout, /^Pinned/);
  });

test('another revision does not take the place of a model without a manifest', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/net');
  fs.rmSync(manifestOf(home));
  repos[0] = { id: 'acme/net', files: { ...files, 'README.md': '# better' } };
  const left = await home.axon('fsck', '--repair');
  assert.equal(left.status, 18);
  assert.match(left.stderr, /is not what its source gives now.*--force/);
  assert.equal(fs.readFileSync(path.join(dirOf(home), 'README.md'), 'utf8'), '# net');
  assert.deepEqual(fs.readdirSync(path.join(home.dir, 'cache/staging')), []);
  await must(home, 'install', 'hf/acme/net', '--force');
  await must(home, 'verify', 'hf/acme/net');
});

test('a package without its manifest comes back byte for byte', async (t) => {
  const [maker, home] = [makeHome(t), makeHome(t, double)];
  fs.writeFileSync(path.join(maker.dir, 'net.onnx'), tinyOnnx());
  await must(maker, 'install', './net.onnx', '--as', 'my/net@1');
  await must(maker, 'pack', 'my/net@1', '-o', 'net.axon');
  const packed = fs.readFileSync(path.join(maker.dir, 'net.axon'));
  served['net.axon'] = packed;
  await must(home, 'install', `${double.cdn}/net.axon#sha256=${sha256(packed)}`);
  const file = path.join(home.models, 'my/net/1/manifest.yaml');
  const text = fs.readFileSync(file, 'utf8');
  fs.rmSync(file);
  await must(home, 'fsck', '--repair');
  assert.equal(fs.readFileSync(file, 'utf8'), text);
});

test('a file of this machine is taken again while it is the same', async (t) => {
  const home = makeHome(t);
  const source = path.join(home.dir, 'net.onnx');
  fs.writeFileSync(source, tinyOnnx());
  await must(home, 'install', './net.onnx', '--as', 'my/net@1');
  const file = path.join(home.models, 'my/net/1/manifest.yaml');
  fs.rmSync(file);
  fs.renameSync(source, `${source}.away`);
  const gone = await home.axon('fsck', '--repair');
  assert.match(gone.stderr, /There is no file .*net\.onnx/);
  fs.renameSync(`${source}.away`, source);
  await must(home, 'fsck', '--repair');
  await must(home, 'verify', 'my/net@1');
});

test('a folder of a model without the note of its install is named, once, and can be replaced', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/net');
  await must(home, 'install', 'hf/acme/net', '--as', 'my/net@1');
  fs.rmSync(path.join(dirOf(home), '.axon_metadata.json'));
  const named = `${dirOf(home)} holds files but no .axon_metadata.json`;
  for (const form of [[], ['--names'], ['--json'], ['--format', 'names']]) {
    const { stdout, stderr } = await must(home, 'list', ...form);
    assert.equal(stderr.split(' holds files but no ').length, 2, stderr);
    assert.ok(stderr.includes(named), stderr);
    assert.match(stdout, /my\/net/);
  }
  const found = await home.axon('fsck', '--json');
  assert.equal(found.status, 18);
  const { problems } = found.json<{ error: { details: { problems: string[] } } }>().error.details;
  assert.equal(problems.length, 1);
  assert.ok(problems[0]?.startsWith(named));
  assert.doesNotMatch((await must(home, 'gc')).stderr, /are kept/);
  await must(home, 'install', 'hf/acme/net');
  await must(home, 'fsck');
});

test('a damaged note of an install does not keep the model from being installed anew', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/net');
  fs.writeFileSync(path.join(dirOf(home), '.axon_metadata.json'), '{');
  assert.match((await home.axon('fsck')).stderr, /is not what axon wrote/);
  await must(home, 'install', 'hf/acme/net', '--force');
  await must(home, 'fsck');
});

test('fsck writes a damaged note anew where all else is right, and invents no source', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/net');
  const note = path.join(dirOf(home), '.axon_metadata.json');
  fs.writeFileSync(note, '{');
  fs.rmSync(path.join(dirOf(home), 'config.json'));
  assert.match(
    (await home.axon('fsck', '--repair')).stderr,
    /note of its install is damaged, and so are config\.json\./,
  );
  fs.writeFileSync(path.join(dirOf(home), 'config.json'), '{}');
  for (const damage of ['{', '\0'.repeat(300), null]) {
    fs.rmSync(note, { recursive: true });
    if (damage === null) fs.mkdirSync(note);
    else fs.writeFileSync(note, damage);
    assert.match((await must(home, 'fsck', '--repair')).stdout, /its install was written anew/);
    await must(home, 'fsck');
    await must(home, 'verify', 'hf/acme/net');
  }
  assert.match((await home.axon('outdated', 'hf/acme/net')).stderr, /was not noted what was asked/);
});

test('fsck brings a file again where a folder lies in its place, unless that holds files', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/net');
  const file = path.join(dirOf(home), 'config.json');
  fs.rmSync(file);
  fs.mkdirSync(path.join(file, 'empty'), { recursive: true });
  fs.writeFileSync(path.join(file, 'empty/mine'), 'of somebody');
  const left = await home.axon('fsck', '--repair');
  assert.equal(left.status, 18);
  assert.match(left.stderr, /config\.json is a folder with files where a file has to be/);
  fs.rmSync(path.join(file, 'empty/mine'));
  await must(home, 'fsck', '--repair');
  assert.equal(fs.readFileSync(file, 'utf8'), '{}');
  fs.rmSync(path.join(dirOf(home), 'onnx'), { recursive: true });
  fs.writeFileSync(path.join(dirOf(home), 'onnx'), '');
  await must(home, 'fsck', '--repair');
  await must(home, 'verify', 'hf/acme/net');
  const [blob = ''] = (
    fs.readdirSync(path.join(home.dir, 'cache/blobs/sha256'), { recursive: true }) as string[]
  ).filter((name) => name.endsWith(sha256(Buffer.from('{}'))));
  const stored = path.join(home.dir, 'cache/blobs/sha256', blob);
  fs.rmSync(stored);
  fs.mkdirSync(stored);
  assert.match((await home.axon('fsck')).stderr, /A stored file is damaged/);
  await must(home, 'fsck', '--repair');
});

test('what brings a damaged model again is the command that is named, whatever it is called', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/net', '--exclude', '*.md', '--as', 'z/two@1');
  const dir = path.join(home.models, 'z/two/1');
  fs.rmSync(path.join(dir, 'config.json'));
  const { stderr } = await home.axon('verify', 'z/two@1');
  const line = "axon install hf/acme/net --exclude '*.md' --as z/two@1 --force";
  assert.ok(stderr.includes(`\`${line}\` brings it again.`), stderr);
  fs.rmSync(path.join(dir, 'manifest.yaml'));
  assert.ok((await home.axon('info', 'z/two@1')).stderr.includes(line));
  await must(home, ...line.replaceAll("'", '').split(' ').slice(1));
  await must(home, 'verify', 'z/two@1');
});

test('of a model that is not installed only an id that names a hub says where it would come from', async (t) => {
  const home = makeHome(t, double);
  const own = await home.axon('verify', 'z/two@1');
  assert.match(own.stderr, /`axon install <source> --as z\/two@1` brings one/);
  const hub = await home.axon('verify', 'hf/acme/net@latest');
  assert.match(hub.stderr, /`axon install hf\/acme\/net@latest` brings it/);
});
