import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { type HfRepo, headOf } from '../hub-double/hf.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/*
 * Guards: where a model came from is what axon noted itself. A package's manifest claims what its maker
 * pleases, and nobody gets a stranger's file for a hub's because of it.
 */
const repo: HfRepo = {
  id: 'acme/bert',
  // No hash is stated of what git keeps as text, so the name at the revision is all that it has.
  files: { 'model.onnx': tinyOnnx(), 'config.json': '{"hidden":3}' },
};
const files: Record<string, Buffer> = {};

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ repos: [repo], files });
});
beforeEach(() => {
  double.seen.length = 0;
});
after(() => double.close());

async function must(home: Home, ...argv: string[]) {
  const ended = await home.axon(...argv);
  assert.equal(ended.status, 0, ended.stderr);
  return ended;
}

/** A stranger's package that says to be the hub's model at its very revision. */
async function forge(home: Home, id: string): Promise<Buffer> {
  fs.writeFileSync(
    path.join(home.dir, 'model.onnx'),
    tinyOnnx({ inputs: [{ name: 'evil', shape: [1] }] }),
  );
  await must(home, 'install', './model.onnx', '--as', id);
  await must(home, 'pack', id, '-o', 'forged.axon');
  await must(home, 'unpack', 'forged.axon', '-C', 'forged');
  await must(home, 'uninstall', id);
  const file = path.join(home.dir, 'forged/manifest.yaml');
  const source = `source: {hub: hf, id: acme/bert, revision: ${headOf(repo)}}\n  selection:`;
  const text = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, text.replace(/source:\n( {4}.*\n)+ {2}selection:/, source));
  assert.notEqual(fs.readFileSync(file, 'utf8'), text);
  fs.rmSync(path.join(home.dir, 'forged.axon'));
  await must(home, 'pack', './forged', '-o', 'forged.axon');
  return fs.readFileSync(path.join(home.dir, 'forged.axon'));
}

const hubFiles = () => double.seen.filter(({ path: at }) => /\/resolve\//.test(at));
const modelOf = ({ models }: Home, dir: string) =>
  fs.readFileSync(path.join(models, dir, 'model.onnx'));

test('what a package claims to be is not taken for what the hub has', async (t) => {
  const home = makeHome(t, double);
  files['poison.axon'] = await forge(home, 'nice/demo@latest');
  await must(home, 'install', `${double.cdn}/poison.axon`);
  await must(home, 'install', 'hf/acme/bert');
  assert.ok(hubFiles().length > 0);
  assert.deepEqual(modelOf(home, 'hf/acme/bert/latest'), tinyOnnx());
});

test('a package with the id of a hub is shown for what it is, and is not the hub model', async (t) => {
  const home = makeHome(t, double);
  files['squat.axon'] = await forge(home, 'hf/acme/bert@latest');
  const address = `${double.cdn}/squat.axon`;
  const done = await must(home, 'install', address, '--json');
  assert.match(done.stderr, /hf\/acme\/bert@latest is an id of the hub hf, but it was brought by/);
  assert.deepEqual(done.json()['source'], { hub: 'https', id: address, revision: null });
  assert.deepEqual(done.json()['claimed'], {
    hub: 'hf',
    id: 'acme/bert',
    revision: headOf(repo),
  });
  const info = (await must(home, 'info', 'hf/acme/bert')).stdout;
  assert.ok(info.includes(`source    the package ${address}, no revision`), info);
  assert.ok(info.includes(`claims    to be hf acme/bert, ${headOf(repo)}`), info);
  const shown = (await must(home, 'info', 'hf/acme/bert', '--json')).json();
  assert.equal((shown['from'] as { id: string }).id, address);

  const refused = await home.axon('install', 'hf/acme/bert', '--json');
  assert.equal(refused.status, 16, refused.stdout);
  assert.ok(refused.stdout.includes(`from the package ${address}`), refused.stdout);
  await must(home, 'install', 'hf/acme/bert', '--as', 'my/bert@1');
  assert.deepEqual(modelOf(home, 'my/bert/1'), tinyOnnx());
  const again = await must(home, 'install', address);
  assert.match(again.stdout, /already installed/);
  await must(home, 'install', 'hf/acme/bert', '--force');
  assert.deepEqual(modelOf(home, 'hf/acme/bert/latest'), tinyOnnx());
  assert.match((await must(home, 'install', 'hf/acme/bert')).stdout, /already installed/);
});

test('a model that axon itself packed or exported is carried with its id, with a warning', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  await must(home, 'export', 'hf/acme/bert', '-o', 'models.tar');
  await must(home, 'pack', 'hf/acme/bert', '-o', 'bert.axon');
  const at = (name: string) => path.join(home.dir, name);
  for (const [name, verb] of [
    ['models.tar', 'import'],
    ['bert.axon', 'install'],
  ] as const) {
    const there = makeHome(t);
    const done = await must(there, verb, at(name));
    assert.match(done.stderr, new RegExp(`an id of the hub hf, .*the package ${name}`));
    await must(there, 'verify', 'hf/acme/bert');
    assert.match((await must(there, verb, at(name))).stdout, /already installed/);
  }
  assert.match((await must(home, 'install', at('bert.axon'))).stdout, /already installed/);
});

test('what an earlier version installed is known by what was asked for', async (t) => {
  const home = makeHome(t, double);
  files['old.axon'] = await forge(home, 'nice/old@latest');
  await must(home, 'install', `${double.cdn}/old.axon`);
  await must(home, 'install', 'hf/acme/bert');
  for (const dir of ['nice/old/latest', 'hf/acme/bert/latest']) {
    const file = path.join(home.models, dir, '.axon_metadata.json');
    const { from, ...older } = JSON.parse(fs.readFileSync(file, 'utf8'));
    assert.ok(from);
    fs.writeFileSync(file, JSON.stringify(older));
  }
  assert.match((await must(home, 'install', 'hf/acme/bert')).stdout, /already installed/);
  double.seen.length = 0;
  await must(home, 'install', 'hf/acme/bert', '--as', 'my/bert@1');
  assert.deepEqual(hubFiles(), []);
  assert.deepEqual(modelOf(home, 'my/bert/1'), tinyOnnx());
  const info = (await must(home, 'info', 'nice/old')).stdout;
  assert.match(info, /source {4}the package http/);
});
