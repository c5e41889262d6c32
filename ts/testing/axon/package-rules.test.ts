import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { modelPack } from '../../axon/package/modelpack.ts';
import { readManifestText } from '../../axon/store/catalog.ts';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import type { OciArtifact } from '../hub-double/oci.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { storedZip, torchFile } from '../hub-double/torch-file.ts';
import { type Ended, type Home, makeHome } from './run-axon.ts';

/*
 * Guards: a package, whichever way it comes, brings pickles and programs only where they are allowed, whatever its
 * manifest says of itself.
 */
const evil = storedZip({ 'm/data.pkl': Buffer.from('cposix\nsystem\n(Vtouch /tmp/never\ntR.') });

/** Installs loose files with all that is allowed, and packs them: what a stranger does on another machine. */
async function packed(
  home: Home,
  name: string,
  files: Readonly<Record<string, Buffer | string>>,
): Promise<Buffer> {
  const folder = path.join(home.dir, name);
  fs.mkdirSync(folder);
  for (const [file, data] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), data);
  await must(
    home,
    ...['install', `./${name}`, '--as', `my/${name}@1`],
    ...['--all', '--allow-pickle', '--allow-code'],
  );
  await must(home, 'pack', `my/${name}@1`, '-o', `${name}.axon`);
  return fs.readFileSync(path.join(home.dir, `${name}.axon`));
}

async function must(home: Home, ...argv: string[]): Promise<Ended> {
  const ended = await home.axon(...argv);
  assert.equal(ended.status, 0, ended.stderr);
  return ended;
}

/** What `axon push` would have sent. */
function pushed(home: Home, name: string, repository = name): OciArtifact {
  const folder = path.join(home.models, 'my', name, '1');
  const pack = modelPack(readManifestText(folder), null);
  const { layers, annotations } = JSON.parse(pack.artifact.toString()) as {
    layers: { mediaType: string; annotations: Record<string, string> }[];
    annotations: Record<string, string>;
  };
  return {
    repository: `acme/${repository}`,
    tag: '1',
    annotations,
    layers: layers.map((layer) => ({
      mediaType: layer.mediaType,
      annotations: layer.annotations,
      data: fs.readFileSync(path.join(folder, layer.annotations['org.cncf.model.filepath'] ?? '')),
    })),
  };
}

/** The double for a test. */
async function doubleOf(t: TestContext, what: Parameters<typeof startHubDouble>[0]) {
  const double: HubDouble = await startHubDouble(what);
  t.after(() => double.close());
  return double;
}

const ociOf = (double: HubDouble, name: string) => `oci/${new URL(double.oci).host}/acme/${name}`;

test('a package with a pickle that could run code needs --allow-pickle, whichever way it comes', async (t) => {
  const maker = makeHome(t);
  const bytes = await packed(maker, 'evil', { 'net.pt': evil });
  await must(maker, 'export', 'my/evil@1', '-o', 'evil.tar');
  await must(maker, 'unpack', 'evil.axon', '-C', 'out');
  const double = await doubleOf(t, {
    files: { 'evil.axon': bytes },
    artifacts: [pushed(maker, 'evil')],
  });
  const at = (name: string) => path.join(maker.dir, name);
  for (const words of [
    ['install', at('evil.axon')],
    ['install', `${double.cdn}/evil.axon#sha256=${sha256(bytes)}`],
    ['install', `${ociOf(double, 'evil')}@1`],
    ['import', at('evil.axon')],
    ['import', at('evil.tar')],
    ['import', at('out')],
  ]) {
    const home = makeHome(t, double);
    const refused = await home.axon(...words);
    assert.equal(refused.status, 24, `${words}: ${refused.stderr}`);
    assert.match(
      refused.stderr,
      /net\.pt of the package my\/evil@1 .*posix\.system.*--allow-pickle/,
    );
    assert.deepEqual(home.installed(), []);
    await must(home, ...words, '--allow-pickle');
    assert.match((await home.axon('info', 'my/evil@1')).stdout, /pickle +may-run-code: posix/);
  }
  assert.ok(!fs.existsSync('/tmp/never'));
});

test('a package with programs needs --allow-code', async (t) => {
  const maker = makeHome(t);
  await packed(maker, 'code', { 'net.onnx': tinyOnnx(), 'run.py': 'import os' });
  await must(maker, 'export', 'my/code@1', '-o', 'code.tar');
  for (const [verb, name] of [
    ['install', 'code.axon'],
    ['import', 'code.axon'],
    ['import', 'code.tar'],
  ] as const) {
    const home = makeHome(t);
    const refused = await home.axon(verb, path.join(maker.dir, name), '--allow-pickle', '--json');
    assert.equal(refused.status, 29, refused.stderr);
    assert.match(refused.stdout + refused.stderr, /package my\/code@1: run\.py.*--allow-code/);
    assert.deepEqual(home.installed(), []);
    await must(home, verb, path.join(maker.dir, name), '--allow-code');
  }
});

test('pickles of tensors only come with a package whose hash is stated, and else with the flag', async (t) => {
  const maker = makeHome(t);
  const bytes = await packed(maker, 'good', { 'net.pt': torchFile('net') });
  const double = await doubleOf(t, {
    files: { 'good.axon': bytes },
    artifacts: [pushed(maker, 'good')],
  });
  const home = makeHome(t, double);
  const refused = await home.axon('install', `${double.cdn}/good.axon`);
  assert.equal(refused.status, 24, refused.stderr);
  assert.match(refused.stderr, /nothing states its hash/);
  for (const [index, words] of [
    [`${double.cdn}/good.axon`, '--allow-pickle'],
    [`${double.cdn}/good.axon#sha256=${sha256(bytes)}`],
    [path.join(maker.dir, 'good.axon')],
    [`${ociOf(double, 'good')}@1`],
  ].entries())
    await must(home, 'install', ...words, '--as', `other/good@${index}`);
});

/** The package once more, with another manifest.yaml. */
async function repacked(
  home: Home,
  name: string,
  change: (text: string) => string,
): Promise<string> {
  const at = (file: string) => path.join(home.dir, file);
  for (const old of ['out', 'changed.axon']) fs.rmSync(at(old), { recursive: true, force: true });
  await must(home, 'unpack', `${name}.axon`, '-C', 'out');
  const text = fs.readFileSync(at('out/manifest.yaml'), 'utf8');
  assert.notEqual(change(text), text);
  fs.writeFileSync(at('out/manifest.yaml'), change(text));
  await must(home, 'pack', './out', '-o', 'changed.axon');
  return at('changed.axon');
}

test('a manifest that calls its pickles harmless is refused, with every flag', async (t) => {
  const maker = makeHome(t);
  await packed(maker, 'liar', { 'net.pt': evil });
  const pack = (change: (text: string) => string) => repacked(maker, 'liar', change);
  const home = makeHome(t);
  for (const change of [
    (text: string) => text.replace('pickle: may-run-code', 'pickle: tensors-only'),
    (text: string) => text.replace('posix.system', 'torch.save'),
  ]) {
    const refused = await home.axon('install', await pack(change), '--allow-pickle');
    assert.equal(refused.status, 12, refused.stderr);
    assert.match(refused.stderr, /manifest\.yaml calls its pickles .*posix\.system/);
  }
  // Where it says nothing, as manifests of earlier releases may, the bytes do.
  const silent = await pack((text) =>
    text.replace(/ +pickle: may-run-code\n +pickle_names:\n +- .*\n/, ''),
  );
  assert.equal((await home.axon('install', silent)).status, 24);
  await must(home, 'install', silent, '--allow-pickle');
  const info = await must(home, 'info', 'my/liar@1', '--json');
  assert.deepEqual(info.json()['pickles'], {
    pickle: 'may-run-code',
    pickle_names: ['posix.system'],
  });
});

test('an update goes by what was allowed at the install', async (t) => {
  const maker = makeHome(t);
  await packed(maker, 'one', { 'net.pt': torchFile('net') });
  await packed(maker, 'two', { 'net.pt': evil, 'run.py': 'import os' });
  const [one, two] = [pushed(maker, 'one', 'net'), pushed(maker, 'two', 'net')];
  const double = await doubleOf(t, { artifacts: [one] });
  const shy = makeHome(t, double);
  const bold = makeHome(t, double);
  const source = `${ociOf(double, 'net')}@1`;
  const id = ['--as', 'my/net@1'];
  await must(shy, 'install', source, ...id);
  await must(bold, 'install', source, ...id, '--allow-pickle', '--allow-code');
  double.registry.put(two);
  const refused = await shy.axon('update', 'my/net@1');
  assert.equal(refused.status, 24, refused.stderr);
  await must(shy, 'verify', 'my/net@1');
  await must(bold, 'update', 'my/net@1');
  assert.ok(fs.readFileSync(path.join(bold.models, 'my/net/1/net.pt')).equals(evil));
});

test('inputs and outputs that a manifest states are those of its file', async (t) => {
  const maker = makeHome(t);
  await packed(maker, 'net', { 'net.onnx': tinyOnnx() });
  const home = makeHome(t);
  for (const [change, says] of [
    [(text: string) => text.replace('name: x', 'name: FAKE'), /takes FAKE: float32\[-1,3\]; net/],
    [(text: string) => text.replace(/(name: x\n +dtype: )float32/, '$1int8'), /takes x: int8/],
    [(text: string) => text.replace(/(name: y.*?- )3/s, '$14'), /gives y: float32\[-1,4\]; net/],
  ] as const) {
    const file = await repacked(maker, 'net', change);
    const refused = await home.axon('install', file);
    assert.equal(refused.status, 12, refused.stdout);
    assert.match(refused.stderr, says);
    const checked = await maker.axon('validate', './out');
    assert.equal(checked.status, 12, checked.stdout);
  }
  // A dimension that the file leaves open may be fixed, and words may be added.
  const fixed = await repacked(maker, 'net', (text) =>
    text.replace('- -1', '- 1').replace('name: x', 'name: x\n        description: a row'),
  );
  await must(home, 'install', fixed);
});
