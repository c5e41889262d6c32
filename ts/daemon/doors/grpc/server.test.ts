import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { MlosError } from '../../../protocol/errors.ts';
import { FakeDispatcher } from '../../../testing/conformance/fake-dispatcher.ts';
import { withGrpcDoor } from '../../../testing/conformance/fake-doors.ts';
import { GrpcCaller } from '../../../testing/conformance/grpc-caller.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { loadProtos } from './protobuf.ts';

// Guards: what gRPC has beside the operations: health, reflection, metadata of errors, deadlines,
// cancellation, and streams with their order and bounds.

const watchdog = { timeout: 30_000 };
const root = loadProtos();
const same = (bytes: Buffer) => bytes;

function connect(t: TestContext, target: string): Client {
  const client = new Client(target, credentials.createInsecure());
  t.after(() => client.close());
  return client;
}

/** One call of bytes; what it failed with where it failed. */
function call(
  client: Client,
  path: string,
  bytes: Buffer,
  deadlineMs = 20_000,
): Promise<Buffer | ServiceError> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + deadlineMs };
    client.makeUnaryRequest(path, same, same, bytes, options, (error, answer) =>
      resolve(error ?? answer ?? Buffer.alloc(0)),
    );
  });
}

const inferRequest = (inputs: object[]) =>
  encodeMessage(root.lookupType('mlos.v1.InferRequest'), { model_id: 'hf/double@latest', inputs });

test(
  'health follows the readiness of the daemon, to whoever watches it too',
  watchdog,
  async (t) => {
    const dispatcher = new FakeDispatcher();
    let ready = true;
    const call0 = dispatcher.call.bind(dispatcher);
    dispatcher.call = (method, params, context) =>
      method === 'health.ready' ? { ready, reasons: [] } : call0(method, params, context);
    await withGrpcDoor({ dispatcher }, async (targets) => {
      const client = connect(t, targets['grpc-tcp']);
      const request = root.lookupType('grpc.health.v1.HealthCheckRequest');
      const response = root.lookupType('grpc.health.v1.HealthCheckResponse');
      const check = async (service: string) => {
        const bytes = encodeMessage(request, { service });
        const got = await call(client, '/grpc.health.v1.Health/Check', bytes);
        return got instanceof Error ? status[got.code] : decodeMessage(response, got)['status'];
      };
      assert.deepEqual(await Promise.all(['', 'mlos.v1.InferenceService', 'x'].map(check)), [
        1,
        1,
        'NOT_FOUND',
      ]);
      const watch = client.makeServerStreamRequest(
        '/grpc.health.v1.Health/Watch',
        same,
        same,
        encodeMessage(request, { service: '' }),
      );
      const seen: unknown[] = [];
      const changed = new Promise<void>((resolve) => {
        watch.on('data', (bytes: Buffer) => {
          seen.push(decodeMessage(response, bytes)['status']);
          ready = false;
          if (seen.length === 2) resolve();
        });
      });
      watch.on('error', () => undefined);
      await changed;
      assert.deepEqual(seen, [1, 2]);
      assert.equal(await check('mlos.v1.ModelService'), 2);
      watch.cancel();
    });
  },
);

test(
  'reflection, of both versions, lists the services and has their files',
  watchdog,
  async (t) => {
    await withGrpcDoor({}, async (targets) => {
      const client = connect(t, targets['grpc-unix']);
      for (const version of ['v1', 'v1alpha']) {
        const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
        const stream = client.makeBidiStreamRequest(path, same, same);
        const answers: string[] = [];
        const ended = new Promise<void>((resolve, reject) => {
          stream.on('data', (bytes: Buffer) => answers.push(bytes.toString('latin1')));
          stream.on('end', resolve);
          stream.on('error', reject);
        });
        // list_services = 7, file_containing_symbol = 4.
        stream.write(Buffer.from([0x3a, 0x01, 0x2a]));
        const symbol = Buffer.from('mlos.v1.InferenceService');
        stream.write(Buffer.concat([Buffer.from([0x22, symbol.length]), symbol]));
        stream.end();
        await ended;
        for (const name of ['Health', 'Plugin', 'Model', 'Inference'].map(
          (one) => `mlos.v1.${one}`,
        )) {
          assert.ok(answers[0]?.includes(`${name}Service`), `${version}: ${name}`);
        }
        assert.ok(answers[0]?.includes('grpc.health.v1.Health'));
        assert.ok(answers[1]?.includes('InferStreamResponse'), version);
      }
    });
  },
);

test(
  'an error has its canonical code, and ours with its facts in the metadata',
  watchdog,
  async (t) => {
    const dispatcher = new FakeDispatcher();
    const details = { name: 'ä€', expected: 'int64' };
    dispatcher.call = () => {
      throw new MlosError('INVALID_SHAPE', 'Input "ä€\ud800": 50 % of it\nis missing.', {
        details,
      });
    };
    await withGrpcDoor({ dispatcher }, async (targets) => {
      const client = connect(t, targets['grpc-tcp']);
      const error = await call(client, '/mlos.v1.ModelService/ListModels', Buffer.alloc(0));
      assert.ok(error instanceof Error);
      assert.equal(error.code, status.INVALID_ARGUMENT);
      assert.equal(error.details, 'Input "ä€\ufffd": 50 % of it\nis missing.');
      assert.deepEqual(error.metadata.get('mlos-code'), ['INVALID_SHAPE']);
      const [bytes] = error.metadata.get('mlos-details-bin');
      assert.deepEqual(JSON.parse(String(bytes)), details);
      assert.match(String(error.metadata.get('mlos-request-id')[0]), /^[0-9a-f]{8}-\w+$/);
      const unknown = await call(client, '/mlos.v1.ModelService/Nonsense', Buffer.alloc(0));
      assert.equal(unknown instanceof Error && unknown.code, status.UNIMPLEMENTED);
    });
  },
);

test('a deadline and a cancelled call reach the operation', watchdog, async (t) => {
  await withGrpcDoor({}, async (targets, dispatcher) => {
    const client = connect(t, targets['grpc-tcp']);
    const slow = inferRequest([{ name: 'sleep_ms', json: 25_000 }]);
    const path = '/mlos.v1.InferenceService/Infer';
    // The first call loads the library.
    await call(client, '/mlos.v1.HealthService/CheckLive', Buffer.alloc(0));
    const late = await call(client, path, slow, 500);
    assert.equal(late instanceof Error && late.code, status.DEADLINE_EXCEEDED);
    const cancelled = new Promise<ServiceError | null>((resolve) => {
      const pending = client.makeUnaryRequest(path, same, same, slow, resolve);
      setTimeout(() => pending.cancel(), 500);
    });
    assert.equal((await cancelled)?.code, status.CANCELLED);
    while (dispatcher.aborted < 2) await delay(10);
    assert.equal(dispatcher.active, 0);
  });
});

test('a stream answers in the order of its requests, past the failed ones', watchdog, async (t) => {
  const requestType = root.lookupType('mlos.v1.InferStreamRequest');
  const responseType = root.lookupType('mlos.v1.InferStreamResponse');
  await withGrpcDoor({}, async (targets, dispatcher) => {
    const client = connect(t, targets['grpc-tcp']);
    const path = '/mlos.v1.InferenceService/InferStream';
    const stream = client.makeBidiStreamRequest(path, same, same);
    const answers: Record<string, unknown>[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      stream.on('data', (bytes: Buffer) => answers.push(decodeMessage(responseType, bytes)));
      stream.on('end', resolve);
      stream.on('error', reject);
    });
    const inputs = [
      [
        { name: 'sleep_ms', json: 200 },
        { name: 'x', json: [[1]] },
      ],
      [{ name: 'x', json: [[2, 3]] }],
      [{ name: 'x', json: 'no number' }],
      [{ name: 'x' }],
    ];
    for (const [index, list] of inputs.entries()) {
      const request = { model_id: 'hf/double@latest', inputs: list };
      stream.write(encodeMessage(requestType, { id: `r${index}`, request }));
    }
    stream.write(Buffer.from('\xffgarbage', 'latin1'));
    stream.end();
    await ended;
    const outcome = ({ id, error, response }: Record<string, unknown>) => {
      const { outputs } = (response ?? {}) as { outputs?: { tensor: { data: Buffer } }[] };
      const code = (error as { code: string } | undefined)?.code;
      return [id ?? '', code ?? outputs?.[0]?.tensor.data.readBigInt64LE(0)];
    };
    assert.deepEqual(answers.map(outcome), [
      ['r0', 2n],
      ['r1', 4n],
      ['r2', 'INVALID_VALUE'],
      ['r3', 'INVALID_ARGUMENT'],
      ['', 'INVALID_FRAME'],
    ]);
    assert.ok(dispatcher.activeMost > 1, 'they run side by side');
  });
});

test(
  'of a stream only so many run at once, and one that breaks is forgotten',
  watchdog,
  async (t) => {
    const requestType = root.lookupType('mlos.v1.InferStreamRequest');
    await withGrpcDoor({}, async (targets, dispatcher) => {
      const client = connect(t, targets['grpc-unix']);
      const path = '/mlos.v1.InferenceService/InferStream';
      const stream = client.makeBidiStreamRequest(path, same, same);
      stream.on('error', () => undefined);
      stream.resume();
      const inputs = [{ name: 'sleep_ms', json: 25_000 }];
      const request = { model_id: 'hf/double@latest', inputs };
      for (let i = 0; i < 500; i++) stream.write(encodeMessage(requestType, { request }));
      while (dispatcher.active < 64) await delay(10);
      await delay(200);
      assert.equal(dispatcher.activeMost, 64);
      stream.cancel();
      while (dispatcher.active > 0) await delay(10);
      assert.equal(dispatcher.aborted, 64);
    });
  },
);

test('an answer of some bytes does not wait for the next packet', watchdog, async (t) => {
  await withGrpcDoor({}, async (targets) => {
    const caller = new GrpcCaller(targets['grpc-tcp']);
    t.after(() => caller.close());
    const times: number[] = [];
    for (let i = 0; i < 200; i++) {
      const started = performance.now();
      await caller.call('health.live', {});
      times.push(performance.now() - started);
    }
    const median = times.sort((a, b) => a - b)[100] ?? 0;
    t.diagnostic(`median ${median.toFixed(2)} ms; Nagle with delayed acknowledgement is 40 ms`);
  });
});
