import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PidFd } from '../../native/pidfd.ts';
import { makeFakePlugin } from '../../testing/fake-plugin/make.ts';
import { fakeHost, order, outcome, until } from '../../testing/fake-plugin/with-host.ts';

const options = { timeout: 120_000 };

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A zombie counts as gone: it holds nothing but its entry. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('ten thousand requests leave no descriptor, timer or memory behind', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model());
  const batch = async (count: number) => {
    for (let i = 0; i < count; i += 100) {
      await Promise.all(Array.from({ length: 100 }, () => host.infer(order())));
    }
    collectGarbage();
  };
  await batch(2_000);
  const before = { fds: descriptors(), timers: timers(), heap: process.memoryUsage().heapUsed };
  await batch(10_000);
  assert.equal(descriptors(), before.fds);
  assert.ok(timers() <= before.timers + 1, `${timers()} timers, ${before.timers} before`);
  const grown = process.memoryUsage().heapUsed - before.heap;
  assert.ok(grown < 4 * 1024 * 1024, `the heap grew by ${grown} bytes`);
});

test('restarts and stops leave no descriptor and no process behind', options, async (t) => {
  const { host, model } = await fakeHost(t, {}, { limits: { circuitCrashes: 100 } });
  await host.load(await model());
  await host.stop();
  const before = descriptors();
  const pids: number[] = [];
  for (let i = 0; i < 5; i++) {
    await host.load(await model());
    pids.push(host.status.pid as number);
    assert.equal(await outcome(host.infer(order(['crash']))), 'PLUGIN_CRASHED');
    assert.equal(await outcome(host.infer(order())), 'ok');
    pids.push(host.status.pid as number);
    await host.stop();
  }
  await until(() => descriptors() <= before);
  assert.deepEqual(pids.filter(isAlive), []);
});

/** Without the native library an orphan notices only when its event loop turns. */
function hasNative(): boolean {
  try {
    PidFd.open(process.pid).close();
    return true;
  } catch {
    return false;
  }
}

test('a plugin ends with its daemon, even in the middle of work', options, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mlos-orphan-'));
  t.after(() => rm(folder, { recursive: true }));
  await makeFakePlugin(folder);
  const file = join(folder, 'model');
  await writeFile(file, 'fine');
  const program = join(import.meta.dirname, '../../testing/fake-plugin/host-program.js');
  const daemon = spawn(
    process.execPath,
    [program, folder, file, hasNative() ? 'block 600000' : 'sleep 600000'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [line] = (await once(daemon.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  assert.ok(isAlive(pid));
  daemon.kill('SIGKILL');
  await until(() => !isAlive(pid));
});
