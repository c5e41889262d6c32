import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/* Guards: what has arrived whole never comes again, however late the install that brought it was killed. */
const model = tinyOnnx({ weights: [{ name: 'w', location: 'model.onnx_data' }] });
const weights = Buffer.alloc(300_000, 7);
const plain = tinyOnnx();
const served: Record<string, Buffer> = {};

let double: HubDouble;
before(async () => {
  served['net.axon'] = await packed();
  double = await startHubDouble({
    repos: [{ id: 'acme/bert', files: { 'model.onnx': model, 'model.onnx_data': weights } }],
    files: served,
  });
});
beforeEach(() => {
  double.tellTheTruth();
  served['net.onnx'] = plain;
});
after(() => double.close());

async function packed(): Promise<Buffer> {
  const ends: (() => void)[] = [];
  const maker = makeHome({ after: (end: () => void) => ends.push(end) } as never);
  const folder = path.join(maker.dir, 'net');
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'model.onnx'), model);
  fs.writeFileSync(path.join(folder, 'model.onnx_data'), weights);
  for (const line of ['install ./net --as my/net@1', 'pack my/net@1 -o net.axon'])
    assert.equal((await maker.axon(...line.split(' '))).status, 0, line);
  const file = fs.readFileSync(path.join(maker.dir, 'net.axon'));
  for (const end of ends) end();
  return file;
}

/** Moments behind the last byte: when a call of this kind is about to be made. */
const moments = {
  'all is here under its draft name': `renameSync: (from) => /\\.axon-part-[0-9a-f]+$/.test(from)`,
  'all is in the package, nothing in the store': `linkSync: (from, to) => to.includes('/blobs/')`,
  'all is in the store': `writeFileSync: (file) => /package\\/\\.axon_metadata\\.json$/.test(file)`,
};

async function killAt(moment: string, home: Home, ...argv: string[]): Promise<void> {
  const { status, stderr } = await home.spawnedWith(
    `
    import fs from 'node:fs';
    for (const [name, isIt] of Object.entries({ ${moment} })) {
      const call = fs[name];
      fs[name] = (...given) => {
        if (isIt(...given)) process.kill(process.pid, 'SIGKILL');
        return call(...given);
      };
    }`,
    ...argv,
  );
  assert.equal(status, null, `not killed: the test says nothing. ${stderr}`);
  assert.deepEqual(home.installed(), []);
  double.seen.length = 0;
}

/** Addresses from which more than a first byte was asked. */
const fetched = () =>
  double.seen.flatMap(({ on, path: at, headers }) =>
    (on === 'cdn' || /\/resolve\//.test(at)) && headers.range !== 'bytes=0-0' ? [at] : [],
  );

const net = (name: string) => `${double.cdn}/${name}`;
const specs: readonly (readonly [string, () => string])[] = [
  ['a repository', () => 'hf/acme/bert'],
  ['an address', () => net('net.onnx')],
  ['an address with a hash', () => `${net('net.onnx')}#sha256=${sha256(plain)}`],
  ['the address of a package', () => net('net.axon')],
  ['the address of a package with a hash', () => withHash('net.axon')],
];
const withHash = (name: string) => `${net(name)}#sha256=${sha256(served[name] ?? plain)}`;

for (const [what, spec] of specs)
  test(`${what}: killed behind the last byte, nothing comes again`, async (t) => {
    for (const [when, moment] of Object.entries(moments)) {
      const home = makeHome(t, double);
      // Of two files the first one is whole then, and the second one still has to come.
      if (what === 'a repository' && when.includes('draft')) continue;
      await killAt(moment, home, 'install', spec());
      const { status, stderr } = await home.axon('install', spec());
      assert.equal(status, 0, stderr);
      assert.deepEqual(fetched(), [], when);
      assert.equal((await home.axon('fsck')).status, 0);
      assert.deepEqual(fs.readdirSync(path.join(home.dir, 'cache/staging')), []);
    }
  });

test('without an ETag a date of long ago and the size tell that the bytes are the same', async (t) => {
  const etag = { etag: null };
  for (const moment of Object.values(moments)) {
    double.tellTheTruth();
    double.lie({ on: 'cdn', kind: 'header', headers: etag });
    const home = makeHome(t, double);
    await killAt(moment, home, 'install', net('net.onnx'));
    assert.equal((await home.axon('install', net('net.onnx'))).status, 0);
    assert.deepEqual(fetched(), []);
    // A date of just now may be that of another change, too.
    const headers = { ...etag, 'last-modified': new Date().toUTCString() };
    double.tellTheTruth();
    double.lie({ on: 'cdn', kind: 'header', headers });
    const other = makeHome(t, double);
    await killAt(moment, other, 'install', net('net.onnx'));
    assert.equal((await other.axon('install', net('net.onnx'))).status, 0);
    assert.equal(fetched().length, 1);
  }
});

test('an address that has other bytes by then: those come', async (t) => {
  const changed = tinyOnnx({ outputs: [{ name: 'y', shape: ['batch', 4] }] });
  for (const moment of Object.values(moments)) {
    served['net.onnx'] = plain;
    const home = makeHome(t, double);
    await killAt(moment, home, 'install', net('net.onnx'), '--as', 'my/net@1');
    served['net.onnx'] = changed;
    assert.equal((await home.axon('install', net('net.onnx'), '--as', 'my/net@1')).status, 0);
    const file = path.join(home.models, 'my/net/1/net.onnx');
    assert.deepEqual(fs.readFileSync(file), changed);
    assert.equal((await home.axon('fsck')).status, 0, 'what is in the store is as it was');
  }
});
