import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Dtype } from '../../protocol/dtype.ts';
import { registerModel } from '../daemon/models.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { root } from '../house/tree.ts';
import { addMultiplyModel, identityModel, matMulModel } from '../onnx-models.ts';
import { findPython } from '../programs/interpreter.ts';
import { run } from '../programs/run.ts';
import { registerSum } from '../sequences/stateful-model.ts';

// Guards: the field's own client, as its makers publish it, has every one of its functions answered.

const watchdog = { timeout: 300_000 };
const python = findPython({
  numpy: 'numpy',
  'tritonclient.http, tritonclient.grpc': 'tritonclient[all]==2.73.0',
});

const datatypes: Readonly<Record<string, Dtype>> = {
  bool: 'bool',
  uint8: 'uint8',
  uint16: 'uint16',
  uint32: 'uint32',
  uint64: 'uint64',
  int8: 'int8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  fp16: 'float16',
  fp32: 'float32',
  fp64: 'float64',
  bytes: 'string',
};

test('the stock client over HTTP, gRPC and a Unix socket', {
  ...watchdog,
  skip: python.skip,
}, async (t) => {
  const place = await openPlace(t);
  const socket = join(place.folder, 'g.sock');
  const daemon = await place.start({ args: ['--set', `api.grpc.socket_path=${socket}`] });
  for (const [name, dtype] of Object.entries(datatypes)) {
    await registerModel(place, daemon, {
      id: `test/${name}@1`,
      model: identityModel(dtype, ['n']),
    });
  }
  await registerModel(place, daemon, { id: 'test/pair@1', model: addMultiplyModel() });
  await registerModel(place, daemon, { id: 'test/linear@1', model: matMulModel(4, 6) });
  await registerSum(place, daemon, 'sum');
  const program = join(root, 'ts/testing/oip/stock_client.py');
  for (const [form, target] of [
    ['http', `127.0.0.1:${daemon.httpPort}`],
    ['grpc', `127.0.0.1:${daemon.grpcPort}`],
    ['grpc', `unix:${socket}`],
  ] as const) {
    const { code, stdout, stderr } = await run(python.program, [program, form, target], {
      env: { PYTHONDONTWRITEBYTECODE: '1' },
    });
    assert.equal(code, 0, `${form} ${target}:\n${stderr}`);
    assert.match(stdout, /^ok \d\d+\n$/);
    t.diagnostic(`${form}: ${stdout.trim()} checks`);
  }
});
