import { readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { frame } from '../../protocol/frame.ts';
import { encodeMsgpack } from '../../protocol/msgpack.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { smiFileDescriptor } from '../../smi/contract.ts';
import { servePlugin } from '../../smi/serve.ts';
import { type FakeFlags, readFlags } from './flags.ts';
import { garbage } from './garbage.ts';
import { fakeTasks, runFakeTask } from './tasks.ts';

/*
 * A plugin that misbehaves on demand. It echoes its inputs, and does what the strings of an input
 * named `do` say first: `sleep 50`, `block 50` (the loop stands still), `crash`, `exit 3`, `fail`,
 * `say text`, `garbage kind`. A model file that reads `poison` ends the process when it is loaded.
 */
const flags = readFlags(process.argv.slice(2));

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const acts: Readonly<Record<string, (argument: string) => void | Promise<void>>> = {
  sleep: (ms) => sleep(Number(ms)),
  block: (ms) => block(Number(ms)),
  crash: () => process.abort(),
  exit: (code) => process.exit(Number(code)),
  fail: () => {
    throw new Error('the fake runtime failed as it was told');
  },
  say: (words) => void process.stdout.write(`${words}\n`),
  garbage: (kind) => {
    writeSync(smiFileDescriptor, garbage(kind));
    block(60_000);
  },
};

let infers = 0;

async function act(tensor: Tensor | undefined): Promise<void> {
  infers += 1;
  if (infers === flags.crashOnInfer) process.kill(process.pid, 'SIGKILL');
  for (const order of (tensor?.data ?? []) as readonly string[]) {
    const [verb = '', ...argument] = order.split(' ');
    await acts[verb]?.(argument.join(' '));
  }
}

function serve({ version, concurrency }: FakeFlags): void {
  servePlugin({
    name: 'fake',
    version,
    frameworks: ['fake'],
    formats: ['fake'],
    dtypes: ['float32', 'int64', 'string'],
    runner: `fake ${version}`,
    concurrency,
    loadModel({ modelId, file, options }) {
      const content = readFileSync(file, 'utf8');
      if (content === 'poison') process.abort();
      if (options['refuse'] !== undefined) throw new Error(String(options['refuse']));
      const [first, only] = content.trim().split(' ');
      const known = fakeTasks.filter(({ name }) => only === undefined || name === only);
      const tasks = first === 'tasks' ? { tasks: known } : {};
      return { signature: { inputs: [], outputs: [] }, metadata: { loaded: modelId }, ...tasks };
    },
    runTask: runFakeTask,
    async infer({ inputs }) {
      await act(inputs.get('do'));
      return new Map(inputs);
    },
    getModelInfo: (modelId) => ({ modelId }),
    health: () => ({ infers }),
  });
}

async function main(): Promise<void> {
  if (flags.exitAtOnce >= 0) {
    process.stderr.write('the fake plugin was told to exit at once\n');
    process.exit(flags.exitAtOnce);
  }
  if (flags.startDelayMs > 0) await sleep(flags.startDelayMs);
  if (flags.neverHello) block(600_000);
  if (flags.garbageHello) writeSync(smiFileDescriptor, garbage('bytes'));
  if (flags.smiMajor !== 1) {
    const hello = [0, 'hello', { smi_version: [flags.smiMajor, 0], everything: 'else' }];
    writeSync(smiFileDescriptor, frame(encodeMsgpack(hello)));
    block(600_000);
  }
  serve(flags);
  if (flags.ignoreSigterm) {
    process.removeAllListeners('SIGTERM');
    process.on('SIGTERM', () => undefined);
  }
  if (flags.freezeAfterMs >= 0) setTimeout(() => block(600_000), flags.freezeAfterMs);
}

await main();
