import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ConformanceCase, DoorDriver } from '../conformance/case.ts';
import { checkConformance } from '../conformance/daemon-conformance.ts';
import { doorDrivers } from '../conformance/drivers.ts';
import { adaptersHere } from '../conformance/fake-doors.ts';
import { checkExpectation, normalise } from '../conformance/runner.ts';
import { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { lifecycleCases, registrationCases, serviceCases } from './cases.ts';
import { inferenceCases } from './inference-cases.ts';
import { uploadCases } from './upload-cases.ts';
import { caseModels, writeWorld } from './world.ts';

/*
 * Guards: one daemon behind every door. The same cases, in the same order and from the same start,
 * through HTTP on each library, the socket, and gRPC on both of its; then every answer is compared with the others.
 */
const maxBodyBytes = 200_000;
const watchdog = { timeout: 120_000 };

let place: Place;
let daemons: DaemonProcess[];
const cleanUps: (() => unknown)[] = [];

before(async () => {
  place = await openPlace({ after: (cleanUp) => void cleanUps.push(cleanUp as () => unknown) });
  mkdirSync(join(place.folder, 'models'));
  await writeWorld(join(place.folder, 'models'));
  daemons = adaptersHere.map((adapter) => {
    const settings = [
      `api.http.adapter=${adapter}`,
      `api.http.max_body_bytes=${maxBodyBytes}`,
      `api.grpc.socket_path=${grpcSocket(adapter)}`,
    ];
    const args = settings.flatMap((setting) => ['--set', setting]);
    return new DaemonProcess(join(place.folder, adapter), { args });
  });
  await Promise.all(daemons.map((daemon) => daemon.ready()));
});

function grpcSocket(adapter: string): string {
  return join(place.folder, `${adapter}.grpc`);
}

function grpcOf(daemon: DaemonProcess, adapter: string): Readonly<Record<string, string>> {
  return {
    'grpc-tcp': `127.0.0.1:${daemon.grpcPort}`,
    'grpc-unix': `unix:${grpcSocket(adapter)}`,
  };
}

after(async () => {
  await Promise.all(daemons.map((daemon) => daemon.end()));
  for (const cleanUp of cleanUps) await cleanUp();
});

/** Facts of one daemon: two of them differ here whatever the door. */
const ownFacts = new Set(['pid', 'port', 'adapter', 'http_adapter', 'socket']);

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === 'string') {
    return daemons.reduce((text, { place: own }) => text.replaceAll(own, '<place>'), value);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !ownFacts.has(key))
      .map(([key, entry]) => [key, comparable(entry)]),
  );
}

async function runThrough(driver: DoorDriver, cases: readonly ConformanceCase[]) {
  const outcomes: unknown[] = [];
  const faults: string[] = [];
  for (const testCase of cases) {
    const got = await driver.call(testCase.method, testCase.params);
    try {
      checkExpectation(testCase, driver.name, got);
    } catch (error) {
      const outcome = got.kind === 'error' ? `${got.code}: ${got.message}` : got.kind;
      faults.push(`${(error as Error).message}\n    answer: ${outcome}`);
    }
    outcomes.push(got.kind === 'unsayable' ? null : comparable(normalise(got)));
  }
  return { driver, outcomes, faults };
}

async function unregisterAll(driver: DoorDriver): Promise<void> {
  const list = await driver.call('models.list', {});
  const models = list.kind === 'result' ? (list.result['models'] as { id: string }[]) : [];
  for (const { id } of models) await driver.call('models.unregister', { model_id: id });
  await driver.call('plugins.unload', { plugin_id: 'onnx' });
}

/** The whole table, from a daemon with nothing registered. */
function allCases(): ConformanceCase[] {
  const folder = join(place.folder, 'models');
  const models = Object.keys(caseModels).map((name) => ({
    name: `register ${name}`,
    method: 'models.register',
    params: { model_id: `c/${name}`, path: join(folder, `${name}.onnx`) },
    expect: { result: () => undefined },
  }));
  return [
    ...serviceCases(),
    ...registrationCases(folder),
    ...models,
    ...inferenceCases(),
    ...lifecycleCases(folder),
    ...uploadCases(),
  ];
}

test('every door gives the same answers', watchdog, async (t) => {
  const drivers: DoorDriver[] = [];
  for (const [index, daemon] of daemons.entries()) {
    const { httpPort, socketPath } = daemon;
    const name = adaptersHere[index] ?? '';
    // The gRPC door is the same behind either HTTP library.
    const grpc = index === 0 ? grpcOf(daemon, name) : {};
    for (const driver of await doorDrivers({ httpPort, socketPath, grpc })) {
      drivers.push({ ...driver, name: `${name}/${driver.name}` });
    }
  }
  const cases = allCases();
  const runs: Awaited<ReturnType<typeof runThrough>>[] = [];
  for (const driver of drivers) {
    runs.push(await runThrough(driver, cases));
    await unregisterAll(driver);
  }
  await Promise.all(drivers.map((driver) => driver.close()));
  const said = runs.map(({ driver, outcomes }) => {
    return `${driver.name} ${outcomes.filter((outcome) => outcome !== null).length}`;
  });
  t.diagnostic(`of ${cases.length} cases: ${said.join(', ')}`);
  const [first, ...others] = runs;
  const faults = runs.flatMap((run) => run.faults);
  for (const [index, { name }] of cases.entries()) {
    for (const { driver, outcomes } of others) {
      // Its wire cannot ask that, which was checked to be a refusal.
      if (outcomes[index] === null) continue;
      try {
        assert.deepEqual(outcomes[index], first?.outcomes[index]);
      } catch (error) {
        faults.push(`${name}: ${driver.name} differs: ${(error as Error).message}`);
      }
    }
  }
  assert.equal(faults.length, 0, `${faults.length} faults:\n${faults.join('\n')}`);
});

test('each door refuses the bad bytes of its own wire', watchdog, async () => {
  for (const { httpPort, socketPath } of daemons) {
    await checkConformance({ httpPort, socketPath, model: null, maxBodyBytes });
  }
});

test('URLs take a model id in every spelling', watchdog, async () => {
  const path = join(place.folder, 'models', 'fixed.onnx');
  for (const daemon of daemons) {
    const model_id = 'hf/deep/fixed@v1.0';
    assert.equal((await daemon.http.post('/models/register', { model_id, path })).status, 200);
    const spellings = [
      'hf-deep-fixed@v1.0',
      'hf-deep-fixed%40v1.0',
      'hf%2Fdeep%2Ffixed%40v1.0',
      'hf%2fdeep%2ffixed@v1.0',
      'hf/deep/fixed@v1.0',
    ];
    for (const spelling of spellings) {
      const { status, body } = await daemon.http.get(`/models/${spelling}`);
      assert.deepEqual([status, body.model?.id], [200, model_id], spelling);
      const inferred = await daemon.http.post(`/models/${spelling}/inference`, { x: [1, 2, 3, 4] });
      assert.deepEqual(inferred.body.outputs?.y, [1, 2, 3, 4], spelling);
    }
    assert.equal((await daemon.http.send('DELETE', `/models/${spellings[4]}`)).status, 200);
  }
});
