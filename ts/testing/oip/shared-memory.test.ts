import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { registerModel } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { identityModel } from '../onnx-models.ts';
import { exchange } from './exchange.ts';
import { OipGrpcClient } from './grpc-client.ts';

// Guards: tensors in shared memory of outside clients, both ways and over both forms; no region leads
// anywhere else, and none that its owner truncates takes the daemon down.

const watchdog = { timeout: 60_000 };
const invalidArgument = 3;
const floats = (...values: number[]) => Buffer.from(new Float32Array(values).buffer);

describe('system shared memory of outside clients', () => {
  let daemon: DaemonProcess;
  let grpc: OipGrpcClient;
  const prefix = `test-shm-${process.pid}-${randomBytes(4).toString('hex')}`;
  const cleanUp: (() => unknown)[] = [];
  const pathOf = (name: string) => `/dev/shm/${prefix}-${name}`;
  const keyOf = (name: string) => `${prefix}-${name}`;

  function object(name: string, content: Uint8Array): void {
    writeFileSync(pathOf(name), content, { mode: 0o600 });
    cleanUp.push(() => rmSync(pathOf(name), { force: true }));
  }

  before(async () => {
    const place = await openPlace({ after: (done) => cleanUp.push(done as () => unknown) });
    daemon = await place.start({ args: ['--set', 'api.oip.shared_memory=true'] });
    await registerModel(place, daemon, {
      id: 'test/vector@1',
      model: identityModel('float32', ['n']),
    });
    await registerModel(place, daemon, {
      id: 'test/texts@1',
      model: identityModel('string', ['n']),
    });
    grpc = new OipGrpcClient(`127.0.0.1:${daemon.grpcPort}`);
  });
  after(async () => {
    grpc.close();
    for (const done of cleanUp) await done();
  });

  const post = (path: string, json?: unknown) =>
    exchange(
      daemon.httpPort,
      'POST',
      path,
      json === undefined ? {} : { body: JSON.stringify(json) },
    );
  const register = (name: string, key: string, byteSize: number, offset = 0) =>
    post(`/v2/systemsharedmemory/region/${name}/register`, { key, offset, byte_size: byteSize });
  const unregisterAll = () => post('/v2/systemsharedmemory/unregister');
  const where = (region: string, size: number, offset?: number) => ({
    shared_memory_region: region,
    shared_memory_byte_size: size,
    ...(offset === undefined ? {} : { shared_memory_offset: offset }),
  });
  const infer = (input: object, output?: object, shape = [2], model = 'vector') =>
    post(`/v2/models/test/${model}/infer`, {
      inputs: [
        { name: 'x', datatype: model === 'vector' ? 'FP32' : 'BYTES', shape, parameters: input },
      ],
      ...(output === undefined
        ? {}
        : { outputs: [{ name: 'y', parameters: { binary_data: false, ...output } }] }),
    });

  test('HTTP: announced, registered, read and written', watchdog, async () => {
    const server = await exchange(daemon.httpPort, 'GET', '/v2');
    assert.ok(server.json.extensions.includes('system_shared_memory'));
    object('in', Buffer.concat([floats(9), floats(1.5, 2.5)]));
    object('out', Buffer.alloc(16, 7));
    assert.equal((await register('in', `/${keyOf('in')}`, 12)).status, 200);
    assert.equal((await register('out', keyOf('out'), 12, 4)).status, 200);
    const status = await exchange(daemon.httpPort, 'GET', '/v2/systemsharedmemory/status');
    assert.deepEqual(status.json, [
      { name: 'in', key: `/${keyOf('in')}`, offset: 0, byte_size: 12 },
      { name: 'out', key: keyOf('out'), offset: 4, byte_size: 12 },
    ]);
    const reply = await infer(where('in', 8, 4), where('out', 8, 4));
    assert.equal(reply.status, 200, String(reply.bytes));
    assert.deepEqual(reply.json.outputs, [{ name: 'y', datatype: 'FP32', shape: [2] }]);
    const around = Buffer.alloc(8, 7);
    assert.deepEqual(readFileSync(pathOf('out')), Buffer.concat([around, floats(1.5, 2.5)]));
    const inline = await infer(where('in', 8, 4));
    assert.deepEqual(inline.json.outputs[0].data, [1.5, 2.5]);
    await unregisterAll();
    const none = await exchange(daemon.httpPort, 'GET', '/v2/systemsharedmemory/status');
    assert.deepEqual(none.json, []);
    const gone = await infer(where('in', 8, 4));
    assert.equal(gone.status, 400);
    assert.match(gone.json.error, /no shared region "in"/);
  });

  test('BYTES through a region', watchdog, async () => {
    const texts = Buffer.from('\u0002\0\0\0hi\u0003\0\0\0you', 'latin1');
    object('texts', texts);
    object('said', Buffer.alloc(32));
    await register('texts', keyOf('texts'), texts.length);
    await register('said', keyOf('said'), 32);
    const reply = await infer(where('texts', texts.length), where('said', 32), [2], 'texts');
    assert.equal(reply.status, 200, String(reply.bytes));
    assert.deepEqual(readFileSync(pathOf('said')).subarray(0, texts.length), texts);
    await unregisterAll();
  });

  test(
    'gRPC: one raw entry for each output, an empty one for what lies elsewhere',
    watchdog,
    async () => {
      object('g-in', floats(3, 4));
      object('g-out', Buffer.alloc(8));
      for (const name of ['g-in', 'g-out']) {
        await grpc.call('SystemSharedMemoryRegister', {
          name,
          key: `/${keyOf(name)}`,
          byte_size: 8,
        });
      }
      const { regions } = await grpc.call('SystemSharedMemoryStatus', { name: 'g-in' });
      assert.equal(regions['g-in'].key, `/${keyOf('g-in')}`);
      const place = (region: string) => ({
        shared_memory_region: { string_param: region },
        shared_memory_byte_size: { int64_param: 8 },
      });
      const answer = await grpc.call('ModelInfer', {
        model_name: 'test/vector',
        inputs: [{ name: 'x', datatype: 'FP32', shape: [2], parameters: place('g-in') }],
        outputs: [{ name: 'y', parameters: place('g-out') }],
      });
      assert.deepEqual(
        answer.raw_output_contents.map((one: Uint8Array) => one.length),
        [0],
      );
      assert.deepEqual(readFileSync(pathOf('g-out')), floats(3, 4));
      const twice = { name: 'g-in', key: keyOf('g-in'), byte_size: 8 };
      const [code, message] = await grpc.failure('SystemSharedMemoryRegister', twice);
      assert.equal(code, 6);
      assert.match(message, /registered already/);
      await grpc.call('SystemSharedMemoryUnregister');
      const [unknown] = await grpc.failure('SystemSharedMemoryStatus', { name: 'g-in' });
      assert.equal(unknown, invalidArgument);
    },
  );

  test('what is no object of the same user by a plain name is refused', watchdog, async () => {
    object('plain', Buffer.alloc(16));
    symlinkSync(pathOf('plain'), pathOf('link'));
    cleanUp.push(() => rmSync(pathOf('link'), { force: true }));
    const good = keyOf('plain');
    const cases: readonly [key: string, size: number, offset: number, message: RegExp][] = [
      ['', 8, 0, /name of a POSIX/],
      ['/', 8, 0, /name of a POSIX/],
      ['..', 8, 0, /name of a POSIX/],
      [`../dev/shm/${good}`, 8, 0, /name of a POSIX/],
      [`//${good}`, 8, 0, /name of a POSIX/],
      [`a/${good}`, 8, 0, /name of a POSIX/],
      [`${good}\0x`, 8, 0, /name of a POSIX/],
      ['/sem.lock', 8, 0, /name of a POSIX/],
      ['mlos-x', 8, 0, /name of a POSIX/],
      [keyOf('link'), 8, 0, /ELOOP/],
      [keyOf('absent'), 8, 0, /ENOENT/],
      [good, 17, 0, /smaller than/],
      [good, 8, 9, /smaller than/],
      [good, 0, 0, /byte_size/],
      [good, Number.MAX_SAFE_INTEGER, 1, /byte_size/],
      [good, 8, Number.MAX_SAFE_INTEGER, /byte_size/],
    ];
    for (const [key, size, offset, message] of cases) {
      const reply = await register('bad', key, size, offset);
      assert.equal(reply.status, 400, `${key} ${size} ${offset}: ${reply.bytes}`);
      assert.match(reply.json.error, message);
    }
    assert.equal((await register('plain', good, 16)).status, 200);
    assert.equal((await register('plain', good, 16)).status, 400);
    const beyond = [where('plain', 17), where('plain', 8, 9), where('plain', 8, 2 ** 53 - 1)];
    for (const place of beyond) {
      const reply = await infer(place);
      assert.equal(reply.status, 400, String(reply.bytes));
      assert.match(reply.json.error, /are not in region "plain"/);
    }
    const small = await infer(where('plain', 8), where('plain', 4));
    assert.equal(small.status, 400);
    assert.match(small.json.error, /does not fit/);
    await unregisterAll();
  });

  test(
    'an object truncated after its registration is an error, and no more',
    watchdog,
    async () => {
      object('cut', Buffer.alloc(4096));
      await register('cut', keyOf('cut'), 4096);
      truncateSync(pathOf('cut'), 4);
      const read = await infer(where('cut', 8));
      assert.equal(read.status, 400);
      assert.match(read.json.error, /smaller than what is asked of it/);
      object('whole', floats(1, 2));
      await register('whole', keyOf('whole'), 8);
      const write = await infer(where('whole', 8), where('cut', 8));
      assert.equal(write.status, 400);
      assert.match(write.json.error, /smaller than what is asked of it/);
      assert.equal(readFileSync(pathOf('cut')).length, 4);
      const next = await infer(where('whole', 8));
      assert.deepEqual(next.json.outputs[0].data, [1, 2]);
      await unregisterAll();
    },
  );
});
