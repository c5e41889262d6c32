// Channels and engines in worker threads that end at any time, and left to the garbage collector. Each
// runs in a child process, so that a crash is a failed assertion and a hang a failed deadline.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const folder = new URL('./', import.meta.url).href;
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

const imports = `
  import { Worker, parentPort } from "node:worker_threads";
  import { readdirSync, readFileSync } from "node:fs";
  import { setTimeout as sleep } from "node:timers/promises";
  import { Tensor } from "${folder}../protocol/tensor.${extension}";
  import { EngineInProcess, plainModel } from "${folder}../testing/engine-in-process.${extension}";
  const signature = {
    inputs: [{ name: "x", dtype: "float32", shape: [-1] }],
    outputs: [{ name: "y", dtype: "float32", shape: [-1] }],
  };
  const echo = async (inputs) => new Map([["y", inputs.get("x")]]);
  const never = () => new Promise(() => {});
  const slot = { index: 0, dtype: "float32", shape: [16], byteLength: 64 };
  const open = async (run) => {
    const host = await EngineInProcess.start();
    const { handle } = await host.engine.addCallbackModel(signature, run, plainModel, "test");
    return { host, handle, channel: await host.open(handle) };
  };
  const answer = async (channel, request) => {
    request.submit();
    for (;;) {
      const answer = channel.poll();
      if (answer !== null) return answer;
      await sleep(0);
    }
  };
`;

function run(program: string, flags: readonly string[] = []): void {
  const result = spawnSync(
    process.execPath,
    [...flags, '--input-type=module', '-e', `${imports}${program}`],
    { encoding: 'utf8', timeout: 60_000 },
  );
  assert.equal(result.stdout, 'survived\n', `${result.signal ?? result.status}: ${result.stderr}`);
  assert.equal(result.status, 0);
}

const worker = `${imports}
  const busy = await open(echo);
  const stuck = await open(never);
  stuck.channel.prepare([slot]).submit();
  // Loading goes on while the environment ends.
  const models = Array.from({ length: 3 }, () =>
    busy.host.engine.addCallbackModel(signature, never, { ...plainModel, batching: "auto", maxBatch: 8 }, "late"));
  Promise.allSettled(models);
  const request = busy.channel.prepare([slot]);
  (await answer(busy.channel, request)).release();
  parentPort.postMessage("ready");
  for (;;) (await answer(busy.channel, request)).release();
`;

test('a worker with engines, runs and channels can be terminated at any time', () => {
  run(`
    const mine = await open(echo);
    for (let round = 0; round < 6; round += 1) {
      const running = new Worker(${JSON.stringify(worker)}, { eval: true });
      await new Promise((resolve, reject) => {
        running.once("message", resolve);
        running.once("error", reject);
      });
      await sleep(round * 3);
      await running.terminate();
    }
    const request = mine.channel.prepare([slot]);
    request.inputs[0].fill(7);
    const { outputs } = await answer(mine.channel, request);
    if (outputs[0].bytes[63] !== 7) throw new Error("a wrong answer");
    mine.host.close();
    console.log("survived");
  `);
});

test('a client in another thread waits in runSync for a function of this one', () => {
  const client = `${imports}
    import { workerData } from "node:worker_threads";
    import { ClientChannel } from "${folder}client-channel.${extension}";
    const channel = ClientChannel.open(workerData);
    parentPort.postMessage(channel.requestRegionFd);
    const request = channel.prepare([slot]);
    let sum = 0;
    for (let i = 0; i < 200; i += 1) {
      request.inputs[0].fill(i);
      const answer = request.runSync(20_000);
      if (answer.code !== null || answer.outputs[0].bytes[5] !== i) throw new Error(answer.message);
      answer.release();
      sum += 1;
    }
    channel.close();
    parentPort.postMessage(sum);
  `;
  run(`
    import { createChannelFiles } from "${folder}channel-files.${extension}";
    const { host, handle } = await open(echo);
    const files = await createChannelFiles({ channelId: 99, requestArenaBytes: 65536, responseArenaBytes: 65536 });
    const { requestRegion, responseRegion, bell, clientSocket: socket, hostSocket } = files;
    await host.ask({ kind: "openChannel", channelId: 99, argument: handle }, [responseRegion, bell, hostSocket]);
    const workerData = { requestRegion, responseRegion, bell, socket };
    const running = new Worker(${JSON.stringify(client)}, { eval: true, workerData });
    const failed = new Promise((_, reject) => running.once("error", reject));
    const message = () => Promise.race([failed, new Promise((resolve) => running.once("message", resolve))]);
    const fd = await message();
    const done = message();
    await host.ask({ kind: "activateChannel", channelId: 99 }, [fd]);
    if ((await done) !== 200) throw new Error("not all were answered");
    host.close();
    console.log("survived");
  `);
});

test('what nobody closed is freed by the garbage collector', () => {
  run(
    `
    const count = (what) => readFileSync("/proc/self/maps", "utf8").split(what).length - 1;
    const fds = () => readdirSync("/proc/self/fd").length;
    const { host, handle } = await open(echo);
    const forget = async () => {
      const channel = await host.open(handle);
      const request = channel.prepare([slot]);
      const { outputs } = await answer(channel, request);
      return outputs[0].bytes.length;
    };
    const settle = async () => {
      for (let i = 0; i < 10; i += 1) {
        globalThis.gc();
        await sleep(10);
      }
    };
    await forget();
    await settle();
    const before = [count("memfd:"), fds()];
    for (let i = 0; i < 30; i += 1) await forget();
    await settle();
    const after = [count("memfd:"), fds()];
    if (after[0] > before[0] + 4 || after[1] > before[1] + 4) throw new Error(before + " -> " + after);
    // An engine that is forgotten while a run of it waits for JavaScript.
    const lose = async () => (await open(never)).channel.prepare([slot]).submit();
    await lose();
    await sleep(20);
    await settle();
    host.close();
    console.log("survived");
  `,
    ['--expose-gc'],
  );
});

test('views outlive nothing: an answer kept over close is empty', () => {
  run(`
    const { host, channel } = await open(echo);
    const kept = await answer(channel, channel.prepare([slot]));
    const { bytes } = kept.outputs[0];
    if (bytes.length !== 64) throw new Error("no output");
    channel.close();
    if (bytes.length !== 0) throw new Error("the view is still there");
    kept.release();
    host.close();
    console.log("survived");
  `);
});

test('a process may end with everything open', () => {
  run(`
    const { channel } = await open(never);
    channel.prepare([slot]).submit();
    await sleep(20);
    console.log("survived");
    process.exit(0);
  `);
});
