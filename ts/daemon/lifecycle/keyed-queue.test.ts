import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedQueue } from './keyed-queue.ts';

test('one key: in order, also after a failure; other keys do not wait; nothing is left', async () => {
  const queue = new KeyedQueue();
  const log: string[] = [];
  let release = (): void => assert.fail('not set');
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = queue.run('a', async () => {
    await gate;
    log.push('a1');
    throw new Error('a1 fails');
  });
  const second = queue.run('a', async () => log.push('a2'));
  await queue.run('b', async () => log.push('b'));
  assert.deepEqual(log, ['b']);
  release();
  await assert.rejects(first, /a1 fails/);
  await second;
  assert.deepEqual(log, ['b', 'a1', 'a2']);
  await new Promise(setImmediate);
  assert.equal(queue.size, 0);
});
