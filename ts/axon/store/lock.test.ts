import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { AxonError } from '../axon-error.ts';
import { acquireLock, tryLock } from './lock.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-lock-'));
after(() => fs.rmSync(dir, { recursive: true }));
const options = { waitMs: 300, onWait: () => undefined, signal: new AbortController().signal };
/** Whether it can be had at once. */
async function isFree(name: string): Promise<boolean> {
  const lock = await tryLock(name, options.signal);
  lock?.release();
  return lock !== null;
}
const module = JSON.stringify(new URL('./lock.js', import.meta.url).href);

test('held once; the next waits, then takes it', async () => {
  const name = path.join(dir, 'a');
  const first = await acquireLock(name, options);
  assert.equal(await isFree(name), false);
  await assert.rejects(
    acquireLock(name, options),
    (error) => error instanceof AxonError && error.code === 'BUSY',
  );
  (await acquireLock(path.join(dir, 'a.b'), options)).release();
  const waiting = acquireLock(name, { ...options, waitMs: 10_000 });
  first.release();
  const second = await waiting;
  second.assertHeld();
  assert.throws(() => first.assertHeld());
  first.release();
  second.assertHeld();
  second.release();
  assert.equal(await isFree(name), true);
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('the lock of a process that is gone is taken over, by one of many only', async () => {
  const name = path.join(dir, 'b');
  const mine = await acquireLock(name, options);
  const [ticket = ''] = fs.readdirSync(dir);
  mine.release();
  const { pid } = spawnSync(process.execPath, ['-e', '0']);
  fs.writeFileSync(path.join(dir, ticket.replace(/^b\.\d+\.\d+/, `b.${pid}.1`)), '');
  const ends = await Promise.allSettled([1, 2, 3].map(() => acquireLock(name, options)));
  const held = ends.filter((end) => end.status === 'fulfilled');
  assert.equal(held.length, 1);
  held[0]?.value.release();
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('a ticket of another host is respected, whatever its clock says', async () => {
  const name = path.join(dir, 'c');
  const foreign = path.join(dir, `c.1.1.${'f'.repeat(16)}.${'0'.repeat(16)}.lock`);
  fs.writeFileSync(foreign, '');
  const past = new Date(Date.now() - 30 * 60_000);
  fs.utimesSync(foreign, past, past);
  await assert.rejects(acquireLock(name, options), { code: 'BUSY' });
  assert.equal(await isFree(name), false);
  fs.rmSync(foreign);
});

test('processes that count under the lock lose no step, kill -9 among them', async () => {
  const name = path.join(dir, 'd');
  const counter = path.join(dir, 'counter');
  fs.writeFileSync(counter, '0');
  const program = `
    import fs from 'node:fs';
    import { acquireLock } from ${module};
    const options = { waitMs: 60000, onWait: () => undefined, signal: new AbortController().signal };
    const [, file, name, rounds] = process.argv;
    for (let i = 0; i < Number(rounds); i++) {
      const lock = await acquireLock(name, options);
      const before = Number(fs.readFileSync(file, 'utf8'));
      await new Promise((done) => setTimeout(done, 3));
      if (rounds === '1') process.kill(process.pid, 'SIGKILL');
      fs.writeFileSync(file, String(before + 1));
      lock.release();
    }`;
  const run = async (rounds: number) => {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', program, counter, name, String(rounds)],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    await once(child, 'exit');
  };
  await Promise.all([run(5), run(1), run(5), run(1), run(5)]);
  assert.equal(fs.readFileSync(counter, 'utf8'), '15');
  assert.equal(await isFree(name), true);
});
