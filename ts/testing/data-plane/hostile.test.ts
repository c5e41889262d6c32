import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { registerModel } from '../daemon/models.ts';
import { becomes, openDescriptorsOf, residentBytesOf } from '../daemon/processes.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { identityModel } from '../onnx-models.ts';
import { gatherModel, scaleModel } from './models.ts';
import { Program } from './program.ts';
import type { SteadyFacts, SteadyReport } from './steady-client.ts';

/*
 * Guards: whatever a client does to its channel or sends as a memfd, every other client's answers
 * stay right to the bit, nothing crashes, and all that it took is given back. The hostile client is
 * native/test/hostile. MLOS_SOAK=1 has it work for a minute.
 */
const isSoak = process.env['MLOS_SOAK'] === '1';
const seconds = Number(process.env['MLOS_HOSTILE_SECONDS'] ?? (isSoak ? 60 : 6));
const seed = Number(process.env['MLOS_HOSTILE_SEED'] ?? Date.now() % 1_000_000);
/** What a process may hold more of, in MB: a heap that has had work to do stays larger. */
const breathMb = 80;
const watchdog = { timeout: 120_000 + seconds * 3_000 };

const ids = {
  scale: 'hostile/scale@1',
  rows: 'hostile/rows@1',
  gather: 'hostile/gather@1',
  text: 'hostile/text@1',
};

async function startWorld(place: Place): Promise<DaemonProcess> {
  const daemon = await place.start();
  const engine = { batching: 'fixed', max_batch: 8 };
  await registerModel(place, daemon, { id: ids.scale, model: scaleModel() });
  const rows = scaleModel(['batch', 64]);
  await registerModel(place, daemon, { id: ids.rows, model: rows, params: { engine } });
  await registerModel(place, daemon, { id: ids.gather, model: gatherModel() });
  await registerModel(place, daemon, { id: ids.text, model: identityModel('string', ['n']) });
  return daemon;
}

/** Honest clients by every door. Their first answers are there when this resolves. */
async function startHonest(daemon: DaemonProcess) {
  const ways = ['attached', 'socket', 'http'] as const;
  const latest = new Map<string, SteadyReport>();
  const programs = ways.map((way, i) => {
    const facts: SteadyFacts = {
      way,
      socketPath: daemon.socketPath,
      httpPort: daemon.httpPort,
      models: ids,
      seed: seed + i,
      maxElements: way === 'http' ? 300 : 3_000,
      pauseMs: 1,
    };
    return new Program<SteadyReport>('./steady-client.js', facts, (said) => latest.set(way, said));
  });
  const output = () => programs.map((program) => program.output).join('');
  const areAtWork = () => ways.every((way) => (latest.get(way)?.answered ?? 0) > 50);
  assert.ok(await becomes(areAtWork, 30_000), `honest clients do not start: ${output()}`);
  return {
    programs,
    answered: () => ways.map((way) => latest.get(way)?.answered ?? 0),
    async finish(): Promise<Map<string, SteadyReport>> {
      for (const program of programs) program.tell('end');
      await Promise.all(programs.map((program) => program.ended()));
      for (const way of ways) assert.ok(latest.get(way)?.isLast, `${way} ended: ${output()}`);
      return latest;
    },
  };
}

async function runHostile(
  daemon: DaemonProcess,
  args: Readonly<Record<string, string | number>>,
): Promise<Record<string, number> & { findings: Record<string, number> }> {
  const script = new URL('../../../scripts/native-test.mjs', import.meta.url).href;
  const { buildHostileClient } = await import(script);
  const program: string = await buildHostileClient();
  const models = Object.entries(ids).map(([kind, id]) => `${id}:${kind}`);
  const all = { socket: daemon.socketPath, models: models.join(','), seed, ...args };
  const child = spawn(
    program,
    Object.entries(all).map(([name, value]) => `${name}=${value}`),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0, output);
  return JSON.parse(output);
}

interface Held {
  readonly daemon: number;
  readonly plugin: number;
  readonly daemonMb: number;
  readonly pluginMb: number;
}

function held(daemon: DaemonProcess, plugin: number): Held {
  return {
    daemon: openDescriptorsOf(daemon.pid).length,
    plugin: openDescriptorsOf(plugin).length,
    daemonMb: residentBytesOf(daemon.pid) / 1e6,
    pluginMb: residentBytesOf(plugin) / 1e6,
  };
}

const channelsOf = async (daemon: DaemonProcess): Promise<number> =>
  (await daemon.http.get('/channels')).body.total;

for (const [way, share] of [
  ['channel', 1],
  ['memfd', 0.4],
] as const) {
  test(`a hostile client (${way}) for ${seconds * share} s`, watchdog, async (t) => {
    t.diagnostic(`seed ${seed}`);
    const place = await openPlace(t);
    const daemon = await startWorld(place);
    const honest = await startHonest(daemon);
    t.after(() => {
      for (const program of honest.programs) program.kill();
    });
    const [plugin = 0] = daemon.plugins();
    // What a daemon takes once, it takes now.
    await runHostile(daemon, { way, seconds: 1 });
    assert.ok(await becomes(async () => (await channelsOf(daemon)) === 4, 15_000));
    await delay(500);
    const before = held(daemon, plugin);

    const figures = await runHostile(daemon, { way, seconds: seconds * share });
    t.diagnostic(JSON.stringify(figures));
    const areGone = async () => (await channelsOf(daemon)) === 4;
    assert.ok(await becomes(areGone, 15_000), `${await channelsOf(daemon)} channels are left`);
    const isBack = () => {
      const now = held(daemon, plugin);
      return now.daemon <= before.daemon && now.plugin <= before.plugin;
    };
    const isGivenBack = await becomes(isBack, 15_000);
    const after = held(daemon, plugin);
    t.diagnostic(`before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
    assert.deepEqual(daemon.plugins(), [plugin], 'the same plugin process is there');
    assert.ok(isGivenBack, 'descriptors are given back');

    const reports = await honest.finish();
    for (const [name, { answered, wrong, errors }] of reports) {
      t.diagnostic(`${name}: ${answered} answers`);
      assert.deepEqual({ wrong, errors }, { wrong: [], errors: {} }, name);
    }
    assert.deepEqual(figures.findings, {});
    const work = way === 'channel' ? figures['attached'] : figures['memfds'];
    assert.ok((work ?? 0) > 10 * seconds * share, 'a client that did nothing proves nothing');
    assert.ok(after.daemonMb < before.daemonMb + breathMb, 'memory of the daemon');
    assert.ok(after.pluginMb < before.pluginMb + breathMb, 'memory of the plugin');
  });
}
