// A worker thread loads the addon a second time into the same process. Guards what could crash
// there: state shared between environments, a watcher that calls into an environment that has
// ended, and memory or descriptors that nobody closed. Everything runs in a child process, so that
// a crash is a failed assertion.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const folder = new URL('./', import.meta.url).href;
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

const imports = `
  import { Worker } from "node:worker_threads";
  import { readdirSync, writeSync } from "node:fs";
  import { Region } from "${folder}region.${extension}";
  import { PidFd } from "${folder}pidfd.${extension}";
  import { onReadable } from "${folder}readable.${extension}";
  import { socketPair } from "${folder}fd-socket.${extension}";
`;

const worker = `
  ${imports}
  import { parentPort } from "node:worker_threads";
  const regions = Array.from({ length: 20 }, () => Region.create({ byteLength: 65536 }));
  globalThis.kept = regions.map((region) => region.view());
  const pairs = Array.from({ length: 20 }, () => socketPair());
  for (const [, right] of pairs) onReadable(right, () => {}, { keepAlive: true });
  PidFd.open(process.pid).onExit(() => {}, { keepAlive: true });
  parentPort.postMessage(pairs.map(([left]) => left));
  // Busy to the end: the watcher rings while the environment goes away.
  setInterval(() => Region.create({ byteLength: 4096 }).view(), 0);
`;

const host = `
  ${imports}
  const start = () => new Worker(${JSON.stringify(worker)}, { eval: true });
  const mine = Region.create({ byteLength: 4096 });
  const [left, right] = socketPair();
  const fired = new Promise((resolve) => onReadable(right, resolve, { keepAlive: true }));
  for (let round = 0; round < 8; round += 1) {
    const running = start();
    const lefts = await new Promise((resolve, reject) => {
      running.once("message", resolve);
      running.once("error", reject);
    });
    for (const fd of lefts) writeSync(fd, "x");
    await running.terminate();
  }
  // The main thread's own state is untouched.
  mine.view()[0] = 1;
  mine.close();
  writeSync(left, "x");
  await fired;
  console.log("survived");
`;

test('a worker with regions and watches can be terminated at any time', () => {
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', host], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(result.stdout, 'survived\n', `${result.signal ?? result.status}: ${result.stderr}`);
  assert.equal(result.status, 0);
});
