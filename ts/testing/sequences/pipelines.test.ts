import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Tensor } from '../../protocol/tensor.ts';
import { codeOf, infer, registerModel } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { exchange } from '../oip/exchange.ts';
import { openOnnxHost } from '../onnx-host.ts';
import { addMultiplyModel, failingModel, identityModel } from '../onnx-models.ts';
import { registerSum } from './stateful-model.ts';

/*
 * Guards: models that run one after the other as one, through the doors of a real daemon.
 */
const watchdog = { timeout: 60_000 };

const pair = (a: string, b: string, outputs: Record<string, string>) => {
  return { model: 'pipe/pair@1', inputs: { a, b }, outputs };
};

/** out = (p + q) × (p × q), and the sum. */
const graph = {
  inputs: ['p', 'q'],
  outputs: ['out', 'both'],
  steps: [
    pair('both', 'each', { product: 'out' }),
    pair('p', 'q', { sum: 'both', product: 'each' }),
  ],
};

async function register(place: Place, daemon: DaemonProcess, name: string, pipeline: object) {
  const path = join(place.folder, name);
  await mkdir(path, { recursive: true });
  const manifest = {
    apiVersion: 'axon.mlos.io/v1',
    kind: 'Model',
    metadata: { name, namespace: 'pipe', version: '1' },
    spec: {
      framework: { name: 'onnx' },
      format: { type: 'pipeline', execution_format: 'pipeline', files: [] },
      pipeline,
    },
  };
  await writeFile(join(path, 'manifest.yaml'), JSON.stringify(manifest));
  return daemon.http.post('/models/register', { model_id: `pipe/${name}@1`, path });
}

async function start(t: TestContext): Promise<{ place: Place; daemon: DaemonProcess }> {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'pipe/pair@1', model: addMultiplyModel() });
  return { place, daemon };
}

const ask = (daemon: DaemonProcess, name: string) =>
  infer(daemon, `pipe/${name}@1`, { p: [1, 2], q: [3, 4] });

test('a pipeline answers as its steps one by one, whichever door is used', watchdog, async (t) => {
  const { place, daemon } = await start(t);
  const registered = await register(place, daemon, 'chain', graph);
  assert.equal(registered.status, 200, JSON.stringify(registered.body));
  const { model } = registered.body;
  assert.match(model.runner, /^pipeline of 2 on /);
  const { body } = await ask(daemon, 'chain');
  assert.deepEqual(body.outputs, { out: [12, 48], both: [4, 6] });

  const client = await daemon.connect();
  const attached = await client.attach('pipe/chain@1');
  for (let i = 0; i < 200; i++) {
    const { outputs } = attached.inferSync({ p: [i], q: [2] }, { outputs: ['out'] });
    assert.deepEqual(outputs['out']?.toJSON(), [(i + 2) * i * 2]);
    assert.equal(outputs['both'], undefined);
  }
  const { json } = await exchange(daemon.httpPort, 'GET', '/v2/models/pipe/chain/config');
  assert.equal(json.platform, 'ensemble');
  assert.deepEqual(json.ensemble_scheduling.step[0], {
    model_name: 'pipe/pair',
    model_version: -1,
    input_map: { a: 'both', b: 'each' },
    output_map: { product: 'out' },
  });
});

test('a graph that cannot run is an error at registration', watchdog, async (t) => {
  const { place, daemon } = await start(t);
  await registerModel(place, daemon, { id: 'pipe/whole@1', model: identityModel('int64', ['n']) });
  await registerModel(place, daemon, { id: 'pipe/fails@1', model: failingModel() });
  await registerSum(place, daemon, 'sum');
  const steps = (...list: object[]) => ({ ...graph, steps: list });
  const cases = [
    [
      steps(pair('p', 'q', { sum: 'out' }), { ...pair('p', 'q', {}), model: 'no/such' }),
      /no\/such/,
    ],
    [steps(pair('p', 'out', { sum: 'both' }), pair('q', 'both', { sum: 'out' })), /a cycle/],
    [steps(pair('p', 'z', { sum: 'out', product: 'both' })), /takes "z"/],
    [
      steps(pair('p', 'q', { sum: 'both' }), {
        ...{ model: 'pipe/whole@1', inputs: { x: 'both' }, outputs: { y: 'out' } },
      }),
      /"both" is float32\[n\], but step 2 \(pipe\/whole@1\) takes it for "x" int64\[n\]/,
    ],
    [
      {
        ...steps({ model: 'seq/sum@1', inputs: { x: 'p' }, outputs: { y: 'out' } }),
        inputs: ['p'],
      },
      /keeps a state/,
    ],
  ] as const;
  for (const [pipeline, message] of cases) {
    const reply = await register(place, daemon, 'wrong', pipeline);
    assert.ok(reply.status >= 400, JSON.stringify(reply.body));
    assert.match(reply.body.message, message);
  }
  const fails = { model: 'pipe/fails@1', inputs: { x: 'both' }, outputs: { y: 'out' } };
  const pipeline = steps(pair('p', 'q', { sum: 'both' }), fails);
  assert.equal((await register(place, daemon, 'late', pipeline)).status, 200);
  const late = await ask(daemon, 'late');
  assert.equal(codeOf(late), '500 INFERENCE_FAILED');
  assert.match(late.body.message, /^Step 2 \(pipe\/fails@1\): /);
});

test('steps stay while a pipeline needs them, and come back with it', watchdog, async (t) => {
  const { place, daemon } = await start(t);
  assert.equal((await register(place, daemon, 'chain', graph)).status, 200);
  const post = (path: string) => daemon.http.post(`/models/${path}`, {});
  const refused = await post('pipe-pair@1/unload');
  assert.equal(codeOf(refused), '409 FAILED_PRECONDITION');
  assert.match(refused.body.message, /a step of the pipeline pipe\/chain@1: unload that first/);
  assert.equal(
    codeOf(await daemon.http.send('DELETE', '/models/pipe-pair@1')),
    '409 FAILED_PRECONDITION',
  );
  assert.equal(codeOf(await post('pipe-chain@1/unload')), 'ok');
  assert.equal(codeOf(await post('pipe-pair@1/unload')), 'ok');
  assert.deepEqual((await ask(daemon, 'chain')).body.outputs.both, [4, 6]);

  for (const pid of daemon.plugins()) process.kill(pid, 'SIGKILL');
  let reply = await ask(daemon, 'chain');
  if (reply.status !== 200) reply = await ask(daemon, 'chain');
  assert.deepEqual(reply.body.outputs, { out: [12, 48], both: [4, 6] });
  assert.equal(codeOf(await daemon.http.send('DELETE', '/models/pipe-chain@1')), 'ok');
  assert.equal(codeOf(await daemon.http.send('DELETE', '/models/pipe-pair@1')), 'ok');
});

test('steps may run on either runner', watchdog, async () => {
  await using onnx = await openOnnxHost();
  await onnx.load('t/js@1', addMultiplyModel(), { runner: 'js' });
  await onnx.load('t/native@1', addMultiplyModel(), { runner: 'native' });
  const step = (model: string, a: string, b: string, sum: string) => {
    return { model, inputs: { a, b }, outputs: { sum } };
  };
  const steps = [step('t/js@1', 'p', 'q', 'once'), step('t/native@1', 'once', 'q', 'twice')];
  const pipeline = { inputs: ['p', 'q'], outputs: ['twice'], steps };
  await onnx.load('t/both@1', new Uint8Array(), { pipeline });
  const floats = (...values: number[]) =>
    new Tensor('float32', [values.length], new Uint8Array(new Float32Array(values).buffer));
  const inputs = { p: floats(1, 2), q: floats(10, 20) };
  const { outputs } = await onnx.host.infer({ modelId: 't/both@1', inputs, timeoutMs: 20_000 });
  assert.deepEqual(outputs['twice']?.toJSON(), [21, 42]);
});
