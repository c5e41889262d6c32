import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { socketPair } from './fd-socket.ts';
import { onReadable } from './readable.ts';

test("a watch calls back once, in the caller's async context", async () => {
  const [left, right] = socketPair();
  const context = new AsyncLocalStorage<string>();
  let calls = 0;
  const seen = await context.run('mine', () => {
    const done = new Promise<string | undefined>((resolve) => {
      onReadable(
        right,
        () => {
          calls += 1;
          resolve(context.getStore());
        },
        { keepAlive: true },
      );
    });
    writeSync(left, 'x');
    return done;
  });
  assert.equal(seen, 'mine');
  writeSync(left, 'y');
  await sleep(20);
  assert.equal(calls, 1);
  closeSync(left);
  closeSync(right);
});

test('a cancelled watch does not call, even when it has fired already', async () => {
  const [left, right] = socketPair();
  const watch = onReadable(right, () => assert.fail('called after cancel'));
  writeSync(left, 'x');
  watch.cancel();
  watch.cancel();
  await sleep(20);
  closeSync(left);
  closeSync(right);
});

test('hundreds of watches fire each once', async () => {
  const pairs = Array.from({ length: 300 }, () => socketPair());
  const fired = pairs.map(
    ([, right]) => new Promise<void>((resolve) => onReadable(right, resolve, { keepAlive: true })),
  );
  for (const [left] of pairs) writeSync(left, 'x');
  await Promise.all(fired);
  for (const fd of pairs.flat()) closeSync(fd);
});

/** Runs a program against the modules of this folder and returns how it ended. */
function runProgram(body: string) {
  const module = (name: string) =>
    JSON.stringify(new URL(import.meta.url.replace(/readable\.test/, name)).href);
  const text =
    `import { onReadable } from ${module('readable')};` +
    `import { socketPair } from ${module('fd-socket')};` +
    `import { writeSync } from "node:fs"; const [left, right] = socketPair(); ${body}`;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return {
    status: result.status,
    signal: result.signal,
    stdout: result.stdout,
    stderr: result.stderr,
  };
}

test('a watch keeps the process running only when asked', () => {
  const idle = runProgram('onReadable(right, () => {});');
  assert.deepEqual([idle.status, idle.signal], [0, null], idle.stderr);
  const asked = runProgram(
    "setTimeout(() => writeSync(left, 'x'), 50).unref();" +
      "onReadable(right, () => console.log('called'), { keepAlive: true });",
  );
  assert.equal(asked.stdout, 'called\n', asked.stderr);
  const cancelled = runProgram('onReadable(right, () => {}, { keepAlive: true }).cancel();');
  assert.deepEqual([cancelled.status, cancelled.signal], [0, null], cancelled.stderr);
});

test('what a callback throws is an uncaught exception like any other', () => {
  const thrown = runProgram(
    "onReadable(right, () => { throw new Error('boom'); }, { keepAlive: true });" +
      "writeSync(left, 'x');",
  );
  assert.equal(thrown.status, 1);
  assert.match(thrown.stderr, /boom/);
});
