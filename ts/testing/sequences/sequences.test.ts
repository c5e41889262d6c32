import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sequenceMark } from '../../protocol/sequence.ts';
import { Tensor } from '../../protocol/tensor.ts';
import { codeOf } from '../daemon/models.ts';
import { becomes } from '../daemon/processes.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { exchange } from '../oip/exchange.ts';
import { openOnnxHost } from '../onnx-host.ts';
import { detectorModel, detectorState, runningSumModel, runningSumState } from '../onnx-models.ts';
import { registerSum, step, writePackage } from './stateful-model.ts';

/*
 * Guards: a model that keeps a state from request to request, through every door of a real daemon.
 */
const watchdog = { timeout: 60_000 };

type Outputs = Readonly<Record<string, { toJSON(): unknown } | undefined>>;

/** The first element of `y`. */
function firstOf({ outputs }: { readonly outputs: Outputs }): number | undefined {
  return (outputs['y']?.toJSON() as number[] | undefined)?.[0];
}

async function sum(daemon: DaemonProcess, id: string, value: number, sequence: object) {
  const reply = await step(daemon, id, value, sequence as Record<string, unknown>);
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return (reply.body.outputs['y'] as number[])[0];
}

test('streams that interleave never mix, whichever door they use', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const id = await registerSum(place, daemon, 'sum');
  const shown = await daemon.http.get(`/models/${encodeURIComponent(id)}`);
  assert.deepEqual(shown.body.model.state, [{ input: 'total', output: 'next_total' }]);
  const names = (list: { name: string }[]) => list.map(({ name }) => name);
  assert.deepEqual(names(shown.body.model.signature.inputs), ['x']);
  assert.deepEqual(names(shown.body.model.signature.outputs), ['y']);

  const client = await daemon.connect();
  const attached = await client.attach(id);
  const own = await attached.request({ x: [1, 2] });
  own.inputs['x']?.fill(1000 as never);
  for (let i = 1; i <= 20; i++) {
    const start = i === 1;
    const answers = await Promise.all([
      sum(daemon, id, 1, { id: 'a', start }),
      sum(daemon, id, 10, { id: 7, start }),
      client.infer(id, { x: [[100, 100]] }, { sequence: { id: 'b', start } }).then(firstOf),
      own.infer({ sequence: { id: 'a', start } }).then((result) => firstOf(result.copy())),
      attached.infer({ x: [[5, 5]] }, { sequence: { id: 'one', start } }).then(firstOf),
    ]);
    assert.deepEqual(answers, [i, 10 * i, 100 * i, 1000 * i, 5 * i]);
  }
  const sync = own.inferSync({ sequence: { id: 'a', end: true } });
  assert.equal(firstOf(sync.copy()), 21_000);
  await assert.rejects(own.infer({ sequence: { id: 'a' } }), { code: 'FAILED_PRECONDITION' });
  assert.equal(await sum(daemon, id, 1, { id: '7' }), 201, 'a number is its decimal text');
});

test('requests sent at once are answered in their order, batched or not', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const one = await registerSum(place, daemon, 'single', { batching: 'off' });
  const many = await registerSum(place, daemon, 'joined', {
    ...{ batching: 'fixed', max_batch: 16, max_delay_us: 500, instances: 2 },
  });
  const client = await daemon.connect();
  const run = async (id: string) => {
    const asked: Promise<number | undefined>[] = [];
    for (let i = 0; i < 30; i++) {
      for (let stream = 1; stream <= 8; stream++) {
        const sequence = { id: stream, start: i === 0, end: i === 29 };
        const answer = client.infer(id, { x: [[stream, i]] }, { sequence });
        asked.push(answer.then(firstOf));
      }
    }
    return Promise.all(asked);
  };
  const expected = Array.from({ length: 240 }, (_, i) => (Math.floor(i / 8) + 1) * ((i % 8) + 1));
  assert.deepEqual(await run(one), expected);
  assert.deepEqual(await run(many), expected);
  const joined = async () => {
    const { processes } = await client.call('stats.engine', {});
    return processes.flatMap(({ models }) => models).find(({ model_id }) => model_id === many);
  };
  assert.equal((await joined())?.batching.verdict, 'fixed');
  const haveEnded = async () => (await joined())?.sequences === 0;
  assert.ok(await becomes(haveEnded, 10_000), 'all have ended');
});

test('clients of the Open Inference Protocol have sequences, too', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const id = await registerSum(place, daemon, 'oip', { sequence_idle_ms: 30_000 });
  const path = `/v2/models/${id.slice(0, id.lastIndexOf('@'))}`;
  const { json: config } = await exchange(daemon.httpPort, 'GET', `${path}/config`);
  assert.deepEqual(config.sequence_batching.state, [
    { input_name: 'total', output_name: 'next_total' },
  ]);
  assert.equal(config.sequence_batching.max_sequence_idle_microseconds, 30_000_000);
  assert.equal(config.dynamic_batching, undefined);
  const ask = async (value: number, parameters: object) => {
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [value, value] }];
    const body = JSON.stringify({ parameters: { timeout: 20_000_000, ...parameters }, inputs });
    const { status, json } = await exchange(daemon.httpPort, 'POST', `${path}/infer`, { body });
    return status === 200 ? json.outputs[0].data[0] : json.error;
  };
  for (let i = 1; i <= 5; i++) {
    const sequence_start = i === 1;
    assert.equal(await ask(1, { sequence_id: 7, sequence_start, priority: 2 }), i);
    assert.equal(await ask(10, { sequence_id: 'text', sequence_start }), 10 * i);
  }
  assert.equal(await ask(1, { sequence_id: 7, sequence_end: true }), 6);
  assert.match(await ask(1, { sequence_id: 7 }), /Begin it with start/);
  assert.match(await ask(1, {}), /which sequence/);
});

test('mistakes are named', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const limits = { max_sequences: 2, sequence_idle_ms: 100 };
  const id = await registerSum(place, daemon, 'bounded', limits);
  const code = async (sequence?: Record<string, unknown>) =>
    codeOf(await step(daemon, id, 1, sequence));
  assert.equal(await code(), '400 INVALID_ARGUMENT');
  assert.equal(await code({ id: 'x' }), '409 FAILED_PRECONDITION');
  assert.equal(await code({ id: '' }), '400 INVALID_ARGUMENT');
  assert.equal(await code({ id: 'é'.repeat(65) }), '400 INVALID_ARGUMENT');
  assert.equal(await code({ id: 'x', begin: true }), '400 INVALID_ARGUMENT');
  assert.equal(await code({ id: 'x', start: true }), 'ok');
  assert.equal(await code({ id: 'y', start: true }), 'ok');
  assert.equal(await code({ id: 'z', start: true }), '429 TOO_MANY_REQUESTS');
  const given = { inputs: { x: [[1, 1]], total: [[0], [0]] }, sequence: { id: 'x' } };
  const forged = await daemon.http.post(`/models/${encodeURIComponent(id)}/inference`, given);
  assert.equal(codeOf(forged), '400 UNKNOWN_INPUT', 'no client can set a state');
  const gone = async () => (await code({ id: 'x' })) === '409 FAILED_PRECONDITION';
  // Each look is a request; the pauses between them have to be longer than the time that is allowed.
  assert.ok(
    await becomes(async () => {
      await new Promise((resolve) => setTimeout(resolve, 250));
      return gone();
    }, 20_000),
    'it expires',
  );
  assert.throws(() => sequenceMark({ id: 1.5 }), { code: 'INVALID_ARGUMENT' });

  const state = [{ input: 'total', output: 'nothing' }];
  const path = await writePackage(place, 'wrong', state);
  const reply = await daemon.http.post('/models/register', { model_id: 'seq/wrong@1', path });
  assert.equal(codeOf(reply), '422 MODEL_LOAD_FAILED');
  assert.match(reply.body.message, /has no output "nothing"/);
});

test('a plugin that begins anew has no sequences, and says so', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const id = await registerSum(place, daemon, 'restarted');
  assert.equal(await sum(daemon, id, 1, { id: 's', start: true }), 1);
  const client = await daemon.connect();
  const attached = await client.attach(id);
  await attached.infer({ x: [[1, 1]] }, { sequence: { id: 's', start: true } });
  for (const pid of daemon.plugins()) process.kill(pid, 'SIGKILL');
  const reply = await step(daemon, id, 1, { id: 's' });
  assert.match(reply.body.message, /died|was not started/);
  const again = await step(daemon, id, 1, { id: 's' });
  assert.equal(codeOf(again), '409 FAILED_PRECONDITION', JSON.stringify(again.body));
  assert.match(again.body.message, /Begin it with start/);
  const lost = await attached
    .infer({ x: [[1, 1]] }, { sequence: { id: 's' } })
    .then(() => 'ok')
    .catch((error) => error.code);
  assert.ok(['FAILED_PRECONDITION', 'PLUGIN_CRASHED'].includes(lost), lost);
  assert.equal(await sum(daemon, id, 4, { id: 's', start: true }), 4);
  assert.equal(await sum(daemon, id, 4, { id: 's' }), 8);
});

test('streams at one rate run together, those at another do not', watchdog, async () => {
  await using onnx = await openOnnxHost();
  await onnx.load('t/voice@1', detectorModel(), {
    ...{ state: detectorState, batching: 'fixed', max_batch: 32, max_delay_us: 2_000 },
  });
  const ask = async (stream: number, turn: number) => {
    const value = new Float32Array(3).fill(stream);
    const rate = new BigInt64Array([stream <= 6 ? 8n : 16n]);
    const inputs = {
      input: new Tensor('float32', [1, 3], new Uint8Array(value.buffer)),
      sr: new Tensor('int64', [], new Uint8Array(rate.buffer)),
    };
    const sequence = { id: String(stream), start: turn === 1, end: false };
    const { outputs } = await onnx.host.infer({
      ...{ modelId: 't/voice@1', inputs, timeoutMs: 20_000, sequence },
    });
    assert.deepEqual(outputs['output']?.shape, [1, 3]);
    return (outputs['output'].toJSON() as number[])[0];
  };
  const stats = () => onnx.host.engineModels?.[0]?.engine.stats()[0];
  // The first request shows what the model is measured with.
  await ask(99, 1);
  assert.ok(await becomes(() => stats()?.batchVerdict === 'fixed', 20_000), 'it is measured');
  const before = stats()?.batches ?? 0;
  for (let turn = 1; turn <= 20; turn++) {
    const streams = Array.from({ length: 12 }, (_, i) => i + 1);
    const answers = await Promise.all(streams.map((stream) => ask(stream, turn)));
    assert.deepEqual(
      answers,
      streams.map((stream) => stream * turn * (stream <= 6 ? 8 : 16)),
    );
  }
  const runs = (stats()?.batches ?? 0) - before;
  assert.ok(runs < 200, `${runs} runs for 240 requests`);
});

test('the JavaScript runner keeps states, too', watchdog, async () => {
  await using onnx = await openOnnxHost();
  const options = { runner: 'js', state: runningSumState };
  const { signature } = await onnx.load('t/sum@1', runningSumModel(1), options);
  assert.deepEqual(
    signature.inputs.map(({ name }) => name),
    ['x'],
  );
  const x = new Tensor('float32', [1, 1], new Uint8Array(new Float32Array([3]).buffer));
  for (let i = 1; i <= 5; i++) {
    const sequence = { id: 'js', start: i === 1, end: false };
    const request = { modelId: 't/sum@1', inputs: { x }, timeoutMs: 20_000, sequence };
    const { outputs } = await onnx.host.infer(request);
    assert.deepEqual(outputs['y']?.toJSON(), [3 * i]);
  }
});
