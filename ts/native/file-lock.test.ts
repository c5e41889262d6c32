import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileLock } from './file-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'mlos-lock-'));
test.after(() => rmSync(folder, { recursive: true }));

test('a lock excludes until it is released', () => {
  const path = join(folder, 'one');
  const lock = FileLock.acquire(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.throws(() => FileLock.acquire(path), { code: 'EWOULDBLOCK', syscall: 'flock' });
  lock.release();
  lock.release();
  FileLock.acquire(path).release();
});

test('the kernel drops the lock of a process that was killed', async () => {
  const path = join(folder, 'two');
  const module = JSON.stringify(new URL(import.meta.url.replace('.test', '')).href);
  const program =
    `import { FileLock } from ${module}; globalThis.lock = FileLock.acquire(process.argv[1]);` +
    "console.log('held'); setInterval(() => {}, 1000);";
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  assert.throws(() => FileLock.acquire(path), { code: 'EWOULDBLOCK' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  FileLock.acquire(path).release();
});

test('paths that cannot be locked say why', () => {
  assert.throws(() => FileLock.acquire(join(folder, 'no/such')), { code: 'ENOENT' });
  assert.throws(() => FileLock.acquire('a\0b'), { code: 'INVALID_ARGUMENT' });
});
