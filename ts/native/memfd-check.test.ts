import assert from 'node:assert/strict';
import { closeSync, openSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { memfdCheck } from './memfd-check.ts';
import { Region } from './region.ts';

test('a sealed memfd is told by its size and stays open', () => {
  using region = Region.create({ byteLength: 10_000 });
  assert.throws(() => memfdCheck(region.fd, 10_000), { code: 'REGION_UNSEALED' });
  region.seal();
  region.view()[3] = 7;
  assert.equal(memfdCheck(region.fd, 10_000), 10_000);
  const seen = Buffer.alloc(1);
  readSync(region.fd, seen, 0, 1, 3);
  assert.equal(seen[0], 7);
  assert.throws(() => memfdCheck(region.fd, 9_999), { code: 'REGION_TOO_LARGE' });
});

test('what is no memfd, or full of holes, is refused', () => {
  const fd = openSync('/dev/zero', 'r');
  assert.throws(() => memfdCheck(fd, 4096), { code: 'NOT_A_REGION' });
  closeSync(fd);
  using sparse = Region.create({ byteLength: 1 << 20, populate: false });
  sparse.seal();
  assert.throws(() => memfdCheck(sparse.fd, 1 << 20), { code: 'REGION_SPARSE' });
  assert.throws(() => memfdCheck(0x7fff_ffff, 4096), { code: 'EBADF' });
  assert.throws(() => memfdCheck(-1, 4096), { code: 'INVALID_ARGUMENT' });
});
