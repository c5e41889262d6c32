import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/* Guards: what nobody states a hash of is trusted on first use, and a change of it is told and refused. */
const [one, two] = ['one', 'two'].map((name) => tinyOnnx({ inputs: [{ name, shape: [1] }] })) as [
  Buffer,
  Buffer,
];
const served: Record<string, Buffer> = {};
let double: HubDouble;
before(async () => {
  double = await startHubDouble({ files: served });
});
beforeEach(() => {
  served['net.onnx'] = one;
});
after(() => double.close());

async function must(home: Home, ...argv: string[]) {
  const ended = await home.axon(...argv);
  assert.equal(ended.status, 0, ended.stderr);
  return ended;
}

test('other bytes at an address are told and refused, under another name and later too', async (t) => {
  const home = makeHome(t, double);
  const install = (...argv: string[]) => ['install', `${double.cdn}/net.onnx`, ...argv] as const;
  await must(home, ...install('--as', 'a/a@1'));
  await must(home, ...install('--as', 'a/b@1'));
  served['net.onnx'] = two;
  await must(home, 'uninstall', 'a/b@1');
  for (const id of ['a/b@1', 'a/c@1']) {
    const refused = await home.axon(...install('--as', id));
    assert.equal(refused.status, 10, refused.stderr);
    assert.ok(
      refused.stderr.includes(`its sha256 was ${sha256(one)} and is ${sha256(two)}`),
      refused.stderr,
    );
  }
  assert.equal((await must(home, 'list', '--names')).stdout, 'a/a@1\n');
  const taken = await must(home, ...install('--as', 'a/a@1', '--force'));
  assert.ok(taken.stderr.includes(`was ${sha256(one)} and is ${sha256(two)}`), taken.stderr);
  const after = await must(home, ...install('--as', 'a/b@1'));
  assert.doesNotMatch(after.stderr, /sha256/);
  served['net.onnx'] = one;
  assert.equal((await home.axon(...install('--as', 'a/c@1'))).status, 10);
  await must(home, 'uninstall', 'a/a@1');
  await must(home, 'uninstall', 'a/b@1');
  await must(home, 'gc');
  assert.equal((await home.axon(...install('--as', 'a/c@1'))).status, 10, 'it is not forgotten');
});

test('a hash in the address says which bytes are meant, and what is no model was never used', async (t) => {
  const home = makeHome(t, double);
  const address = `${double.cdn}/net.onnx`;
  served['net.onnx'] = Buffer.from('no model');
  assert.notEqual((await home.axon('install', address, '--as', 'a/a@1')).status, 0);
  served['net.onnx'] = one;
  await must(home, 'install', address, '--as', 'a/a@1');
  served['net.onnx'] = two;
  const stated = `${address}#sha256=${sha256(two)}`;
  await must(home, 'install', stated, '--as', 'a/b@1');
  assert.equal((await home.axon('install', address, '--as', 'a/c@1')).status, 10);
});

test('the same of a package at an address', async (t) => {
  const home = makeHome(t, double);
  const pack = async (bytes: Buffer, license: string) => {
    fs.writeFileSync(path.join(home.dir, 'net.onnx'), bytes);
    fs.writeFileSync(path.join(home.dir, 'LICENSE'), license);
    await must(home, 'install', '.', '--include', 'net.onnx', '--as', 'my/net@1', '--force');
    await must(home, 'pack', 'my/net@1', '-o', 'net.axon');
    served['net.axon'] = fs.readFileSync(path.join(home.dir, 'net.axon'));
    await must(home, 'uninstall', 'my/net@1');
    fs.rmSync(path.join(home.dir, 'net.axon'));
  };
  await pack(one, 'MIT');
  const address = `${double.cdn}/net.axon`;
  await must(home, 'install', address);
  await must(home, 'install', address, '--as', 'a/b@1');
  await pack(two, 'MIT');
  const refused = await home.axon('install', address, '--as', 'a/c@1');
  assert.equal(refused.status, 10, refused.stderr);
  assert.match(refused.stderr, /"manifest\.yaml" of the package http.* is not what it was/);
  const taken = await must(home, 'install', address, '--force');
  assert.match(taken.stderr, /is not what it was/);
  await must(home, 'install', address, '--as', 'a/c@1');
});
