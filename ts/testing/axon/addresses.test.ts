import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinySafetensors } from '../hub-double/tiny-weights.ts';
import { type Home, makeHome } from './run-axon.ts';

/* Guards: what an address without a hash gave does not come again while its server says that it is the same. */
/** Slowly sent, it takes longer than a process to start. */
const net = tinySafetensors({ w: [700, 1000] });
const served: Record<string, Buffer> = {};
let archive: Buffer;
let double: HubDouble;
before(async () => {
  archive = await packed();
  double = await startHubDouble({ files: served });
});
beforeEach(() => {
  double.tellTheTruth();
  Object.assign(served, { 'net.safetensors': net, 'net.axon': archive });
  double.seen.length = 0;
});
after(() => double.close());

async function packed(): Promise<Buffer> {
  const ends: (() => void)[] = [];
  const home = makeHome({ after: (end: () => void) => ends.push(end) } as never);
  fs.writeFileSync(path.join(home.dir, 'model.safetensors'), net);
  for (const line of ['install ./model.safetensors --as my/net@1', 'pack my/net@1 -o net.axon'])
    assert.equal((await home.axon(...line.split(' '))).status, 0, line);
  const file = fs.readFileSync(path.join(home.dir, 'net.axon'));
  for (const end of ends) end();
  return file;
}

/** How often more than a first byte was asked for, since the last look. */
function fetches(): number {
  const of = double.seen.filter(({ on, headers }) => on === 'cdn' && headers.range !== 'bytes=0-0');
  double.seen.length = 0;
  return of.length;
}

async function must(home: Home, ...argv: string[]): Promise<void> {
  const { status, stderr } = await home.axon(...argv);
  assert.equal(status, 0, `${argv.join(' ')}: ${stderr}`);
}

const names = ['net.safetensors', 'net.axon'] as const;
const at = (name: string) => `${double.cdn}/${name}`;
const old = 'Tue, 02 Jan 2024 03:04:05 GMT';

for (const name of names)
  test(`${name}: two names at once, though the server says nothing of it`, async (t) => {
    const home = makeHome(t, double);
    double.lie({ on: 'cdn', kind: 'slow', headers: { etag: null, 'last-modified': null } });
    const ids = ['p/a@1', 'p/b@1'];
    const all = await Promise.all(ids.map((id) => home.spawned('install', at(name), '--as', id)));
    for (const { status, stderr } of all) assert.equal(status, 0, stderr);
    const waited = all.filter(({ stderr }) => /Another axon brings .*waiting/.test(stderr));
    assert.equal(waited.length, 1, all.map(({ stderr }) => stderr).join('\n'));
    assert.equal(fetches(), 1);
    for (const id of ids) await must(home, 'verify', id);
  });

for (const name of names)
  test(`${name}: a later install takes it from the store as long as it is the same`, async (t) => {
    const home = makeHome(t, double);
    let number = 0;
    const times = async (more: string[] = [], spec = at(name)) => {
      number += 1;
      await must(home, 'install', spec, '--as', `p/n@${number}`, ...more);
      await must(home, 'verify', `p/n@${number}`);
      return fetches();
    };
    const says = (headers: Record<string, string | null>) => {
      double.tellTheTruth();
      double.lie({ on: 'cdn', kind: 'header', headers });
    };
    assert.deepEqual([await times(), await times(), await times(['--force'])], [1, 0, 1]);
    const pinned = `${at(name)}#sha256=${sha256(served[name] ?? net)}`;
    assert.equal(await times([], pinned), 0, 'with its hash, too');
    says({ etag: '"other"' });
    assert.deepEqual([await times(), await times()], [1, 0]);
    says({ etag: null });
    assert.deepEqual([await times(), await times()], [1, 0], 'a date of long ago tells enough');
    says({ etag: null, 'last-modified': old.replace('2024', '2023') });
    assert.deepEqual([await times(), await times()], [1, 0]);
    for (const unsure of [
      { etag: 'W/"weak"' },
      { etag: null, 'last-modified': null },
      { etag: null, 'last-modified': new Date().toUTCString() },
    ]) {
      says(unsure);
      assert.deepEqual([await times(), await times()], [1, 1], JSON.stringify(unsure));
    }
  });

test('other bytes at the address come, and what the store lost comes again', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', at('net.safetensors'), '--as', 'p/a@1');
  const changed = tinySafetensors({ v: [700, 1000] });
  served['net.safetensors'] = changed;
  await must(home, 'install', at('net.safetensors'), '--as', 'p/b@1', '--force');
  assert.deepEqual(fs.readFileSync(path.join(home.models, 'p/b/1/net.safetensors')), changed);
  assert.equal(fetches(), 2);
  for (const id of ['p/a@1', 'p/b@1']) await must(home, 'uninstall', id);
  await must(home, 'install', at('net.safetensors'), '--as', 'p/c@1');
  assert.equal(fetches(), 1);
  await must(home, 'uninstall', 'p/c@1');
  await must(home, 'gc');
  assert.deepEqual(fs.readdirSync(path.join(home.dir, 'cache/blobs/archives')), []);
});

test('nothing of an address that may hold a secret is kept in the notes', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', `${at('net.safetensors')}?token=s3cr3t`, '--as', 'p/a@1');
  const notes = path.join(home.dir, 'cache/blobs/archives');
  for (const name of fs.readdirSync(notes))
    assert.doesNotMatch(name + fs.readFileSync(path.join(notes, name), 'utf8'), /s3cr3t|localhost/);
});
