import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { Region } from '../../native/region.ts';
import { DescriptorClient } from '../conformance/descriptor-client.ts';
import { codeOf, infer, registerModel } from '../daemon/models.ts';
import { becomes, openDescriptorsOf } from '../daemon/processes.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { identityModel } from '../onnx-models.ts';

// Guards: a tensor in a sealed memfd is the tensor that the same bytes inline are, and every way of
// getting it wrong has its error.

const watchdog = { timeout: 60_000 };

function sealed(bytes: Uint8Array): Region {
  const region = Region.create({ byteLength: bytes.byteLength });
  region.view().set(bytes);
  region.seal('newcomers');
  return region;
}

test('tensors from a memfd are those inline', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const id = 'c/image@1';
  await registerModel(place, daemon, { id, model: identityModel('float32', ['n', 3]) });
  const rows = 200_000;
  const bytes = randomFillSync(new Uint8Array(rows * 12 + 64));
  using region = sealed(bytes);
  const before = openDescriptorsOf(daemon.pid).length;
  const client = new DescriptorClient(daemon.socketPath);
  assert.deepEqual((await client.request(0, 'connection.descriptors'))?.answer[2], {
    status: 'success',
    per_frame: 16,
    max_bytes: 256 * 1024 * 1024,
  });
  // An odd offset: nobody promised that a client aligns its bytes.
  for (const offset of [0, 7, 64]) {
    const memfd = { index: 0, offset, length: rows * 12 };
    const params = { model_id: id, inputs: { x: { dtype: 'float32', shape: [rows, 3], memfd } } };
    const got = await client.request(offset, 'models.infer', params, [region.fd]);
    assert.ok(got !== null && got.answer[1] === null, JSON.stringify(got));
    const { y } = (got.answer[2] as { outputs: { y: Uint8Array } }).outputs;
    assert.ok(Buffer.compare(y, bytes.subarray(offset, offset + rows * 12)) === 0, `at ${offset}`);
  }
  client.close();
  assert.ok(await becomes(() => openDescriptorsOf(daemon.pid).length <= before, 5_000));
});

test('a memfd that does not fit has its error, through either door', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'c/x@1', model: identityModel('float32', ['n', 3]) });
  await registerModel(place, daemon, { id: 'c/s@1', model: identityModel('string', ['n']) });
  using region = sealed(new Uint8Array(4096));
  using open = Region.create({ byteLength: 4096 });
  const client = new DescriptorClient(daemon.socketPath);
  await client.request(0, 'connection.descriptors');
  const fits = { dtype: 'float32', shape: [1, 3], memfd: { index: 0, offset: 0, length: 12 } };
  const lies = (memfd: unknown) => ({ ...fits, memfd });
  const cases: [model: string, input: unknown, code: string][] = [
    ['c/x@1', fits, 'ok'],
    ['c/x@1', { ...fits, dtype: undefined }, 'ok'],
    ['c/x@1', { ...fits, dtype: 'int64' }, 'INVALID_DTYPE'],
    ['c/x@1', { ...fits, shape: [1, 4] }, 'INVALID_SHAPE'],
    ['c/x@1', { ...fits, shape: [2, 3] }, 'INVALID_SHAPE'],
    ['c/x@1', { ...fits, shape: [-1, 3] }, 'INVALID_SHAPE'],
    ['c/x@1', { ...fits, shape: undefined }, 'INVALID_ARGUMENT'],
    ['c/x@1', { ...fits, data: [1, 2, 3] }, 'INVALID_ARGUMENT'],
    ['c/x@1', lies(null), 'INVALID_ARGUMENT'],
    ['c/x@1', lies({ index: 0, length: 12 }), 'INVALID_ARGUMENT'],
    ['c/x@1', lies({ index: 0, offset: 0.5, length: 12 }), 'INVALID_ARGUMENT'],
    ['c/x@1', lies({ index: 0, offset: -12, length: 12 }), 'INVALID_ARGUMENT'],
    ['c/x@1', lies({ index: 0, offset: 4090, length: 12 }), 'INVALID_ARGUMENT'],
    ['c/x@1', lies({ index: 1, offset: 0, length: 12 }), 'INVALID_ARGUMENT'],
    ['c/x@1', lies({ index: 2, offset: 0, length: 12 }), 'INVALID_ARGUMENT'],
    ['c/x@1', lies({ index: 0, offset: 0, length: 12, path: '/x' }), 'INVALID_ARGUMENT'],
    ['c/s@1', { dtype: 'string', shape: [1], memfd: fits.memfd }, 'INVALID_DTYPE'],
  ];
  for (const [model_id, x, code] of cases) {
    const params = { model_id, inputs: { x } };
    const got = await client.request(1, 'models.infer', params, [region.fd, open.fd]);
    assert.equal(got?.answer[1]?.code ?? 'ok', code, JSON.stringify(x));
  }
  const bare = await client.request(2, 'models.infer', { model_id: 'c/x@1', inputs: { x: fits } });
  assert.equal(bare?.answer[1]?.code, 'INVALID_ARGUMENT', 'without a descriptor');
  assert.equal(codeOf(await infer(daemon, 'c/x@1', { x: fits })), '400 INVALID_ARGUMENT');
  client.close();
});
