import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { oipGrpcCode, oipHttpStatus } from '../../daemon/doors/oip/status.ts';
import { isDtype } from '../../protocol/dtype.ts';
import { findMethod } from '../../protocol/method-table.ts';
import type { Signature, Tensor, TensorSpec } from '../../protocol/tensor.ts';
import { tensorFromInput } from '../../protocol/tensor-input.ts';
import type { ConformanceCase, Outcome } from '../conformance/case.ts';
import { doorDrivers } from '../conformance/drivers.ts';
import { checkExpectation } from '../conformance/runner.ts';
import { inferenceCases } from '../conformance-daemon/inference-cases.ts';
import { caseModels, writeWorld } from '../conformance-daemon/world.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import {
  binaryCaller,
  grpcCaller,
  jsonCaller,
  type OipCall,
  type OipCaller,
  type OipOutcome,
} from './infer-callers.ts';
import { datatypeOf } from './wire-tensors.ts';

// Guards: the cases of inference that every door has give the same answers through the Open Inference Protocol.

type Bag = Readonly<Record<string, unknown>>;

const isBag = (value: unknown): value is Bag =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Options of our own doors that this protocol has no words for, or other words. */
const ownOptions = findMethod('models.infer')?.params.properties ?? {};

/** The case in words of the protocol, or why it has none. Its tensors always state datatype and shape. */
function say(params: Bag, signature: Signature): OipCall | string {
  const { model_id, inputs = {}, outputs = [], ...rest } = params;
  const own = Object.keys(rest).find((key) => Object.hasOwn(ownOptions, key));
  if (own !== undefined) return `${own} is an option of our own doors`;
  if (!isBag(inputs)) return 'inputs are a list of named tensors';
  if (!Array.isArray(outputs)) return 'outputs are a list';
  const entries = [...Object.entries(inputs), ...Object.entries(rest)];
  if (new Set(entries.map(([name]) => name)).size < entries.length) {
    return 'the record of this test names an input once';
  }
  const tensors: [string, Tensor][] = [];
  for (const [name, value] of entries) {
    const tensor = tensorFor(name, value, signature);
    if (typeof tensor === 'string') return tensor;
    tensors.push([name, tensor]);
  }
  return { model: String(model_id), inputs: Object.fromEntries(tensors), outputs };
}

/** As the model wants it, else as it stands: then the daemon has to refuse it. */
function tensorFor(name: string, value: unknown, { inputs }: Signature): Tensor | string {
  const known = inputs.find((one) => one.name === name) ?? inputs[0];
  const stated = isBag(value) ? value['dtype'] : undefined;
  if (stated !== undefined && !isDtype(stated)) return 'a client has no such datatype';
  const dtype = stated ?? known?.dtype ?? 'float32';
  const wanted: TensorSpec = { name, dtype, shape: known?.shape ?? null };
  let why = '';
  for (const spec of [wanted, { ...wanted, shape: null }]) {
    try {
      return tensorFromInput(spec, value);
    } catch (error) {
      why = (error as Error).message;
    }
  }
  return `no tensor of a client: ${why}`;
}

function check(one: ConformanceCase, caller: OipCaller, got: OipOutcome, native: Outcome): void {
  const where = `${one.name}, through ${caller.name}`;
  if (got.kind === 'unsayable') return;
  if ('code' in one.expect) {
    const { code } = one.expect;
    assert.ok(got.kind === 'error', `${where}: a result`);
    const status = caller.form === 'http' ? oipHttpStatus(code) : oipGrpcCode(code);
    assert.equal(got.status, status, `${where}: ${got.message}`);
    assert.ok(got.message.length > 10, where);
    return;
  }
  assert.ok(got.kind === 'result', `${where}: ${JSON.stringify(got)}`);
  assert.ok(native.kind === 'result');
  const { outputs, output_shapes: shapes, output_dtypes } = native.result;
  const dtypes = Object.entries(output_dtypes as Record<string, never>);
  assert.deepEqual(got.outputs, outputs, where);
  assert.deepEqual(got.shapes, shapes, where);
  assert.deepEqual(
    got.datatypes,
    Object.fromEntries(dtypes.map(([name, dtype]) => [name, datatypeOf(dtype)])),
    where,
  );
}

test('the cases of inference through each form of the protocol', {
  timeout: 120_000,
}, async (t) => {
  const place = await openPlace(t);
  const folder = join(place.folder, 'models');
  mkdirSync(folder);
  await writeWorld(folder);
  const socket = join(place.folder, 'g.sock');
  const daemon = await place.start({ args: ['--set', `api.grpc.socket_path=${socket}`] });
  const signatures = new Map<string, Signature>();
  for (const name of Object.keys(caseModels)) {
    const params = { model_id: `c/${name}`, path: join(folder, `${name}.onnx`) };
    const { status, body } = await daemon.http.post('/models/register', params);
    assert.equal(status, 200, JSON.stringify(body));
    const { model } = (await daemon.http.get(`/models/${encodeURIComponent(`c/${name}`)}`)).body;
    signatures.set(`c/${name}@latest`, model.signature);
  }
  const { httpPort, socketPath } = daemon;
  const drivers = await doorDrivers({ httpPort, socketPath });
  const callers = [
    jsonCaller(httpPort),
    binaryCaller(httpPort),
    grpcCaller('grpc-tcp', `127.0.0.1:${daemon.grpcPort}`),
    grpcCaller('grpc-unix', `unix:${socket}`),
  ];
  t.after(async () => {
    for (const caller of callers) caller.close();
    await Promise.all(drivers.map((driver) => driver.close()));
  });
  const [native] = drivers;
  assert.ok(native);
  const said = new Map(callers.map(({ name }) => [name, 0]));
  const reasons = new Map<string, string>();
  const faults: string[] = [];
  const cases = inferenceCases().filter(({ method }) => method === 'models.infer');
  for (const one of cases) {
    const signature = signatures.get(String(one.params['model_id']));
    const call = signature === undefined ? 'no such model is here' : say(one.params, signature);
    if (typeof call === 'string') {
      reasons.set(one.name, call);
      continue;
    }
    const answer = await native.call(one.method, one.params);
    checkExpectation(one, native.name, answer);
    for (const caller of callers) {
      const got = await caller.infer(call);
      if (got.kind === 'unsayable') reasons.set(`${one.name} (${caller.name})`, got.why);
      else said.set(caller.name, (said.get(caller.name) ?? 0) + 1);
      try {
        check(one, caller, got, answer);
      } catch (error) {
        faults.push((error as Error).message);
      }
    }
  }
  t.diagnostic(`of ${cases.length} cases: ${[...said].map((one) => one.join(' ')).join(', ')}`);
  for (const [name, why] of reasons) t.diagnostic(`not ${name}: ${why}`);
  assert.equal(faults.length, 0, `${faults.length} faults:\n${faults.join('\n')}`);
  for (const [name, count] of said) assert.ok(count > 40, `${name} said only ${count}`);
});
