import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Region } from './region.ts';

const openFds = () => readdirSync('/proc/self/fd').length;

/** A second descriptor of the same memfd, as a peer would have received it. */
const duplicate = (region: Region) => openSync(`/proc/self/fd/${region.fd}`, 'r+');

test('a region is zeros of the asked size, and views share its bytes', () => {
  using region = Region.create({ byteLength: 10_000, name: 'test-region' });
  assert.equal(region.byteLength, 10_000);
  assert.ok(region.view().every((byte) => byte === 0));
  region.view(100, 10)[0] = 7;
  assert.equal(region.view()[100], 7);
  const seen = Buffer.alloc(1);
  readSync(region.fd, seen, 0, 1, 100);
  assert.equal(seen[0], 7);
  assert.match(readFileSync('/proc/self/maps', 'utf8'), /memfd:test-region/);
});

test('bounds are checked', () => {
  using region = Region.create({ byteLength: 4096 });
  assert.equal(region.view(4096).byteLength, 0);
  for (const [offset, length] of [
    [-1, 1],
    [0, 4097],
    [4096, 1],
    [4097, 0],
    [0.5, 1],
    [Number.NaN, 1],
    [2 ** 53, 1],
    [1, 2 ** 53 - 1],
  ] as const) {
    assert.throws(() => region.view(offset, length), { code: 'INVALID_ARGUMENT' });
  }
  assert.throws(() => Region.create({ byteLength: 0 }), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => Region.create({ byteLength: 2 ** 50, populate: false }), { code: /^E/ });
});

test('close detaches every view, and what comes after is an error', () => {
  const region = Region.create({ byteLength: 4096 });
  const view = region.view();
  const part = region.view(8, 8);
  region.close();
  region.close();
  assert.equal(region.closed, true);
  assert.equal(view.byteLength, 0);
  assert.equal(part[0], undefined);
  for (const use of [() => region.view(), () => region.fd, () => region.seal()]) {
    assert.throws(use, { name: 'NativeError', code: 'REGION_CLOSED' });
  }
});

test('a clone of a view is a copy', () => {
  using region = Region.create({ byteLength: 4096 });
  const { buffer } = region.view();
  let clone = new Uint8Array(4096);
  try {
    // Node refuses to transfer it: from version 21 on with an error, before that by copying.
    clone = new Uint8Array(structuredClone(buffer, { transfer: [buffer] }));
  } catch {}
  clone[0] = 1;
  assert.equal(buffer.byteLength, 4096);
  assert.equal(region.view()[0], 0);
});

test('bytes that were moved to another buffer outlive close', () => {
  // ArrayBuffer.prototype.transfer is behind a flag before Node 21, and always on afterwards.
  const module = JSON.stringify(new URL(import.meta.url.replace('.test', '')).href);
  const program = `
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    import { Region } from ${module};
    setFlagsFromString('--harmony-rab-gsab-transfer');
    const transfer = ArrayBuffer.prototype.transfer ??
      runInNewContext('ArrayBuffer.prototype.transfer');
    const region = Region.create({ byteLength: 1 << 20 });
    const moved = new Uint8Array(transfer.call(region.view().buffer));
    moved[5] = 7;
    const again = region.view();
    if (again[5] !== 7) throw new Error('a new view does not show the region');
    region.close();
    console.log(moved[5], again.byteLength);
  `;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal(result.stdout, '7 0\n', `${result.signal}: ${result.stderr}`);
});

test('a sealed region is read by who gets the descriptor, and written by its owner only', () => {
  using owner = Region.create({ byteLength: 4096 });
  owner.seal();
  using reader = Region.fromFd(duplicate(owner), { maxBytes: 4096 });
  owner.view()[0] = 1;
  assert.equal(reader.view()[0], 1);
  reader.view()[0] = 2;
  assert.equal(owner.view()[0], 1);
  assert.throws(() => Region.fromFd(duplicate(owner), { maxBytes: 4096, writable: true }), {
    code: 'EPERM',
    syscall: 'mmap',
  });
});

test('sealed against everyone, the content is fixed', () => {
  using region = Region.create({ byteLength: 4096 });
  const view = region.view();
  view[0] = 5;
  region.seal('everyone');
  assert.equal(view[0], 5);
  view[0] = 6;
  const seen = Buffer.alloc(1);
  readSync(region.fd, seen, 0, 1, 0);
  assert.equal(seen[0], 5);
});

test('two writers share a region that is not sealed', () => {
  using owner = Region.create({ byteLength: 4096 });
  using guest = Region.fromFd(duplicate(owner), { maxBytes: 4096, writable: true });
  guest.view()[9] = 9;
  assert.equal(owner.view()[9], 9);
});

test('a foreign descriptor is refused for a reason, and closed', () => {
  const before = openFds();
  const refuse = (make: () => number, maxBytes: number, code: string) =>
    assert.throws(() => Region.fromFd(make(), { maxBytes }), { code });
  {
    using unsealed = Region.create({ byteLength: 4096 });
    refuse(() => duplicate(unsealed), 4096, 'REGION_UNSEALED');
    using large = Region.create({ byteLength: 4097 });
    large.seal();
    refuse(() => duplicate(large), 4096, 'REGION_TOO_LARGE');
    using sparse = Region.create({ byteLength: 1 << 20, populate: false });
    sparse.seal();
    refuse(() => duplicate(sparse), 1 << 20, 'REGION_SPARSE');
    refuse(() => openSync('/dev/zero', 'r'), 4096, 'NOT_A_REGION');
    refuse(() => 0x7fff_ffff, 4096, 'EBADF');
  }
  assert.equal(openFds(), before);
});

test('invalid arguments leave the descriptor to the caller', () => {
  const fd = openSync('/dev/zero', 'r');
  assert.throws(() => Region.fromFd(fd, { maxBytes: 0 }), { code: 'INVALID_ARGUMENT' });
  closeSync(fd);
});

test('1,000 regions come and go without leaving a descriptor or a mapping', async () => {
  const mappings = () => readFileSync('/proc/self/maps', 'utf8').match(/memfd:cycle/g)?.length ?? 0;
  const before = openFds();
  for (let i = 0; i < 1000; i += 1) {
    const region = Region.create({ byteLength: 4096, name: 'cycle' });
    region.view()[0] = 1;
    region.close();
    // At once, not at some later garbage collection.
    if (i === 500) assert.equal(mappings(), 0);
  }
  assert.equal(openFds(), before);
  await nextTurn();
  assert.equal(mappings(), 0);
});
