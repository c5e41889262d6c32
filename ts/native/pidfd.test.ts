import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { PidFd, setParentDeathSignal } from './pidfd.ts';

/** A child that waits to be killed. */
function startChild(): ChildProcess & { pid: number } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  assert.ok(child.pid !== undefined);
  return child as ChildProcess & { pid: number };
}

const exitOf = (pidfd: PidFd) =>
  new Promise<void>((resolve) => pidfd.onExit(resolve, { keepAlive: true }));

test('the end of a process is noticed', async () => {
  const child = startChild();
  using pidfd = PidFd.open(child.pid);
  assert.equal(pidfd.exited, false);
  pidfd.signal(0);
  const exited = exitOf(pidfd);
  pidfd.signal('SIGKILL');
  await exited;
  assert.equal(pidfd.exited, true);
  // The watch on one that has ended already fires too.
  await exitOf(pidfd);
});

test('a signal to a process that was reaped is ESRCH, whoever has its pid now', async () => {
  const child = startChild();
  using pidfd = PidFd.open(child.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.throws(() => pidfd.signal('SIGTERM'), { code: 'ESRCH', syscall: 'pidfd_send_signal' });
});

test('close forgets the callbacks', async () => {
  const child = startChild();
  const pidfd = PidFd.open(child.pid);
  pidfd.onExit(() => assert.fail('called after close'));
  pidfd.close();
  pidfd.close();
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.throws(() => pidfd.signal(0), { code: 'HANDLE_CLOSED' });
  assert.throws(() => pidfd.onExit(() => {}), { code: 'HANDLE_CLOSED' });
});

test('nobody cannot be opened', () => {
  assert.throws(() => PidFd.open(0x7fff_ffff), { code: 'ESRCH', syscall: 'pidfd_open' });
  for (const pid of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => PidFd.open(pid), { code: 'INVALID_ARGUMENT' });
  }
  using self = PidFd.open(process.pid);
  assert.throws(() => self.signal('SIGNONE' as never), { code: 'INVALID_ARGUMENT' });
});

test('a parent that is not ours has died already', () => {
  assert.throws(() => setParentDeathSignal('SIGTERM', { parentPid: 0x7fff_ffff }), {
    code: 'PARENT_DIED',
  });
  setParentDeathSignal(0);
});

test('a child dies with its parent', async () => {
  const module = JSON.stringify(new URL(import.meta.url.replace('pidfd.test', 'pidfd')).href);
  const grandchild =
    `import { setParentDeathSignal } from ${module};` +
    "setParentDeathSignal('SIGKILL', { parentPid: Number(process.argv[1]) });" +
    'console.log(process.pid); setInterval(() => {}, 1000);';
  const parent =
    "const { spawn } = require('node:child_process');" +
    `spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(grandchild)}, ` +
    "String(process.pid)], { stdio: 'inherit' });";
  const child = spawn(process.execPath, ['-e', parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  using pidfd = PidFd.open(Number(line.toString()));
  const exited = exitOf(pidfd);
  child.kill('SIGKILL');
  await exited;
});
