import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { noRegistry, startRegistry } from './docker-registry.ts';
import { type Home, makeHome } from './run-axon.ts';

/*
 * Push and pull against a real registry server: the one of Debian's package docker-registry.
 */
const needs = { skip: process.env['MLOS_TEST_EVERYTHING'] === '1' ? false : noRegistry };

function makeModel(home: Home, dataBytes: number): string {
  const folder = path.join(home.dir, 'net');
  fs.mkdirSync(path.join(folder, 'sub'), { recursive: true });
  const model = tinyOnnx({ weights: [{ name: 'w', location: 'model.onnx.data' }] });
  fs.writeFileSync(path.join(folder, 'model.onnx'), model);
  fs.writeFileSync(path.join(folder, 'model.onnx.data'), Buffer.alloc(dataBytes, 'weights'));
  fs.writeFileSync(path.join(folder, 'config.json'), '{}');
  fs.writeFileSync(path.join(folder, 'LICENSE'), 'free');
  fs.writeFileSync(path.join(folder, 'sub/empty.txt'), '');
  return folder;
}

const tree = (dir: string) =>
  (fs.readdirSync(dir, { recursive: true }) as string[])
    .filter((name) => fs.statSync(path.join(dir, name)).isFile() && !name.startsWith('.'))
    .sort()
    .map((name) => [name, fs.readFileSync(path.join(dir, name))] as const);

test('a package that is pushed comes back the same, manifest and all', needs, async (t) => {
  const { host } = await startRegistry(t);
  const here = makeHome(t);
  // More than one piece, so that a large blob goes in several requests.
  const folder = makeModel(here, 65 * 1024 * 1024);
  const made = await here.axon('install', folder, '--include', '*', '--as', 'acme/net@1.0.0');
  assert.equal(made.status, 0, made.stderr);

  const target = `oci/${host}/acme/net:1.0.0`;
  const pushed = await here.axon('push', 'acme/net@1.0.0', target, '--json');
  assert.equal(pushed.status, 0, pushed.stderr + pushed.stdout);
  const first = pushed.json<{ digest: string; sent: number; already_there: number }>();
  assert.deepEqual([first.sent, first.already_there], [7, 0]);
  const again = await here.axon('push', 'acme/net@1.0.0', target, '--json');
  assert.equal(again.json()['digest'], first.digest, 'the same package has the same digest');
  assert.deepEqual([again.json()['sent'], again.json()['already_there']], [0, 7]);

  const there = makeHome(t);
  const found = await there.axon('search', 'net', '--hub', `oci/${host}`);
  assert.match(found.stdout, new RegExp(`oci/${host}/acme/net@1.0.0 `));
  const seen = await there.axon('install', `oci/${host}/acme/net@1.0.0`, '--dry-run', '--json');
  assert.equal(seen.json()['id'], 'acme/net@1.0.0');
  const pulled = await there.axon('install', `oci/${host}/acme/net@${first.digest}`, '--json');
  assert.equal(pulled.status, 0, pulled.stderr + pulled.stdout);
  assert.equal(pulled.json()['id'], 'acme/net@1.0.0', 'a package keeps its name');
  assert.deepEqual(
    tree(path.join(there.models, 'acme/net/1.0.0')),
    tree(path.join(here.models, 'acme/net/1.0.0')),
  );
  assert.equal((await there.axon('verify', 'acme/net@1.0.0')).status, 0);
  const twice = await there.axon('install', `oci/${host}/acme/net@1.0.0`, '--json');
  assert.equal(twice.json()['status'], 'already-installed');
});

test(
  'a damaged package is not pushed, a missing tag and repository are named',
  needs,
  async (t) => {
    const { host } = await startRegistry(t);
    const home = makeHome(t);
    await home.axon('install', makeModel(home, 100), '--as', 'acme/net@1');
    const missing = await home.axon('install', `oci/${host}/acme/none@1`, '--json');
    assert.equal(missing.status, 5, missing.stdout);
    fs.writeFileSync(
      path.join(home.models, 'acme/net/1/model.onnx.data'),
      Buffer.alloc(100, 'other'),
    );
    const refused = await home.axon('push', 'acme/net@1', `oci/${host}/acme/net:1`);
    assert.equal(refused.status, 18, refused.stderr);
    assert.equal((await home.axon('install', `oci/${host}/acme/net@1`)).status, 5);
    assert.equal((await home.axon('push', 'acme/net@1', `oci/${host}/Acme/net`)).status, 2);
    assert.equal((await home.axon('push', 'acme/net@1', 'hf/acme/net')).status, 2);
  },
);

test(
  'a registry with passwords takes and gives with the login of docker login only',
  needs,
  async (t) => {
    const users = 'me:$2b$04$oev7yZRWJv/T2BS/vNalC.GhYc2hhckTf8zQaGI8Cmy9eAMUMt.Fy\n';
    const { host } = await startRegistry(t, users);
    const home = makeHome(t);
    await home.axon('install', makeModel(home, 100), '--as', 'acme/net@1');
    const push = () => home.axon('push', 'acme/net@1', `oci/${host}/acme/net:1`, '--json');
    assert.equal((await push()).status, 6);
    fs.mkdirSync(path.join(home.dir, '.docker'));
    const auths = { [host]: { auth: Buffer.from('me:secret').toString('base64') } };
    fs.writeFileSync(path.join(home.dir, '.docker/config.json'), JSON.stringify({ auths }));
    const pushed = await push();
    assert.equal(pushed.status, 0, pushed.stdout);
    const pulled = await home.axon('install', `oci/${host}/acme/net@1`, '--force', '--json');
    assert.equal(pulled.status, 0, pulled.stdout);
    assert.equal((await makeHome(t).axon('install', `oci/${host}/acme/net@1`)).status, 6);
  },
);
