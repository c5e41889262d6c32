import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { AxonError } from '../axon-error.ts';
import { acquireLock } from './lock.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-lock-'));
after(() => fs.rmSync(dir, { recursive: true }));
const options = { waitMs: 300, onWait: () => undefined, signal: new AbortController().signal };

test('held once; the next waits, then takes it', async () => {
  const file = path.join(dir, 'a.lock');
  const first = await acquireLock(file, options);
  await assert.rejects(
    acquireLock(file, options),
    (error) => error instanceof AxonError && error.code === 'BUSY',
  );
  const waiting = acquireLock(file, { ...options, waitMs: 10_000 });
  first.release();
  const second = await waiting;
  second.assertHeld();
  assert.throws(() => first.assertHeld());
  first.release();
  second.assertHeld();
  second.release();
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('the lock of a process that is gone is taken over, by one of many only', async () => {
  const file = path.join(dir, 'b.lock');
  const mine = await acquireLock(file, options);
  const owner = JSON.parse(fs.readFileSync(file, 'utf8')) as object;
  mine.release();
  const { pid } = spawnSync(process.execPath, ['-e', '0']);
  fs.writeFileSync(file, JSON.stringify({ ...owner, token: 'old', pid, start: '1' }));
  const ends = await Promise.allSettled([1, 2, 3].map(() => acquireLock(file, options)));
  const held = ends.filter((end) => end.status === 'fulfilled');
  assert.equal(held.length, 1);
  held[0]?.value.release();
});
