import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { projectFiles, read, root } from './tree.ts';

// Guards: a field number that a client may have compiled is never moved, and never means another thing.

const lock = 'proto/mlos/v1/numbers.lock';
const lines = read(lock)
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

test('each number of a message was given once, one after the other', () => {
  const given = new Map<string, number>();
  for (const line of lines) {
    const [message = '', number] = line.split(' ');
    const next = (given.get(message) ?? 0) + 1;
    assert.equal(Number(number), next, line);
    given.set(message, next);
  }
});

test('the .proto files use those numbers, and reserve the ones that mean nothing now', () => {
  const used = new Set<string>();
  for (const file of projectFiles(/^proto\/mlos\/v1\/.*\.proto$/)) {
    for (const [, message, body = ''] of read(file).matchAll(
      /^message (\w+) \{\n([\s\S]*?)^\}/gm,
    )) {
      for (const [, field, number] of body.matchAll(/(\w+) = (\d+);/g)) {
        used.add(`${message} ${number} ${field}`);
      }
      for (const [, numbers = ''] of body.matchAll(/reserved ([\d, ]+);/g)) {
        for (const number of numbers.split(', ')) used.add(`${message} ${number} reserved`);
      }
    }
  }
  const missing = lines.filter((line) => {
    const [message, number, name] = line.split(' ');
    return !used.has(`${message} ${number} ${name}`) && !used.has(`${message} ${number} reserved`);
  });
  // A message that no call needs any more is gone as a whole, and its numbers with it.
  const messages = new Set([...used].map((entry) => entry.split(' ')[0]));
  assert.deepEqual(
    missing.filter((line) => messages.has(line.split(' ')[0] ?? '')),
    [],
  );
  assert.ok(used.size > 200);
});

test('no line of the lock was ever taken away', () => {
  const { stdout, status } = spawnSync('git', ['log', '--format=', '-p', '--', lock], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(status, 0);
  const current = new Set(lines);
  const taken = stdout
    .split('\n')
    .filter((line) => /^-\w+ \d+ /.test(line) && !current.has(line.slice(1)));
  assert.deepEqual(taken, []);
});
