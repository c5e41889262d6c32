import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import {
  cpuTopology,
  currentThreadId,
  getNice,
  getProcessAffinity,
  getScheduling,
  getThreadAffinity,
  setNice,
  setProcessAffinity,
  setScheduling,
  setThreadAffinity,
} from './cpu.ts';

test('the topology is that of this host', () => {
  const topology = cpuTopology();
  assert.ok(topology.online.length >= availableParallelism());
  assert.equal(topology.cpus.length, topology.online.length);
});

test('the topology of another root is read, and unknown is null', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'mlos-cpu-'));
  t.after(() => rmSync(root, { recursive: true }));
  const write = (file: string, text: string) => {
    const path = join(root, 'sys/devices/system', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  write('cpu/online', '0-1\n');
  write('cpu/cpu0/topology/core_id', '4\n');
  write('node/node0/cpulist', '0\n');
  assert.deepEqual(cpuTopology({ root }), {
    modelName: null,
    online: [0, 1],
    cpus: [
      { id: 0, packageId: null, coreId: 4, numaNode: 0, threadSiblings: [] },
      { id: 1, packageId: null, coreId: null, numaNode: null, threadSiblings: [] },
    ],
    numaNodes: [{ id: 0, cpus: [0], memoryTotalBytes: null, memoryFreeBytes: null }],
    caches: [],
  });
});

test('affinity of the process and of a thread', () => {
  const before = getProcessAffinity();
  const last = before.at(-1) ?? 0;
  setProcessAffinity([last]);
  try {
    assert.deepEqual(getProcessAffinity(), [last]);
    assert.deepEqual(getThreadAffinity(), [last]);
    setThreadAffinity(before);
    assert.deepEqual(getThreadAffinity(currentThreadId()), before);
  } finally {
    setProcessAffinity(before);
  }
  assert.deepEqual(getProcessAffinity(process.pid), before);
  assert.throws(() => setProcessAffinity([]), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => setProcessAffinity([-1]), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => setProcessAffinity([0], 0x7fff_ffff), { code: 'ESRCH' });
});

test('scheduling and nice', () => {
  const before = getScheduling();
  assert.ok(before !== null);
  setScheduling({ policy: 'batch', priority: 0 });
  assert.deepEqual(getScheduling({ process: process.pid }), { policy: 'batch', priority: 0 });
  assert.deepEqual(getScheduling({ thread: 0 }), { policy: 'batch', priority: 0 });
  setScheduling(before);
  assert.throws(() => setScheduling({ policy: 'fifo', priority: 0 }), { code: 'EINVAL' });
  assert.throws(() => setScheduling({ policy: 'deadline' as never, priority: 0 }), {
    code: 'INVALID_ARGUMENT',
  });
  setNice(getNice());
  assert.throws(() => setNice(20), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => getNice({ process: 0x7fff_ffff }), { code: 'ESRCH', syscall: 'getpriority' });
});
