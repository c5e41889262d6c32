import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { SystemSharedMemory } from './system-shared-memory.ts';

// Guards: regions end with their last user, and there is an end to how much may be registered.

function objectOf(t: TestContext, content: Uint8Array): { key: string; path: string } {
  const key = `test-regions-${process.pid}-${randomBytes(4).toString('hex')}`;
  const path = `/dev/shm/${key}`;
  writeFileSync(path, content, { mode: 0o600 });
  t.after(() => rmSync(path, { force: true }));
  return { key, path };
}

/** Descriptors of this process that lead to the object. */
function opened(path: string): number {
  const folder = '/proc/self/fd';
  // The descriptor that lists the folder is gone when it is asked for.
  const targets = readdirSync(folder).map((fd) => {
    const link = join(folder, fd);
    return existsSync(link) ? readlinkSync(link) : '';
  });
  return targets.filter((target) => target === path).length;
}

test('a region that is unregistered while a request will write to it goes with that request', (t) => {
  const { key, path } = objectOf(t, new Uint8Array(8));
  const memory = new SystemSharedMemory();
  const region = { name: 'out', key: `/${key}`, offset: 2, byteSize: 4 };
  memory.register(region);
  assert.equal(opened(path), 1);
  const held = memory.hold({ region: 'out', offset: 1, byteSize: 3 });
  memory.unregister('out');
  assert.deepEqual(memory.status(''), []);
  // The name is free again, and another object's.
  const other = objectOf(t, new Uint8Array(8));
  memory.register({ ...region, key: other.key });
  held.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual([...readFileSync(path)], [0, 0, 0, 1, 2, 3, 0, 0]);
  assert.deepEqual([...readFileSync(other.path)], [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(opened(path), 1);
  held.release();
  assert.equal(opened(path), 0);
  memory.close();
  assert.equal(opened(other.path), 0);
});

test('number and bytes of regions are bounded, and what is let go counts no more', (t) => {
  const { key } = objectOf(t, new Uint8Array(8));
  const memory = new SystemSharedMemory();
  t.after(() => memory.close());
  const isFull = (error: unknown) =>
    error instanceof MlosError && error.code === 'TOO_MANY_REQUESTS';
  const tooLarge = limits.sharedRegionsBytes + 1;
  assert.throws(() => memory.register({ name: 'x', key, offset: 0, byteSize: tooLarge }), isFull);
  for (let i = 0; i < limits.sharedRegions; i++) {
    memory.register({ name: `r${i}`, key, offset: 0, byteSize: 8 });
  }
  assert.throws(() => memory.register({ name: 'x', key, offset: 0, byteSize: 8 }), isFull);
  memory.unregister('r0');
  memory.register({ name: 'x', key, offset: 0, byteSize: 8 });
});
