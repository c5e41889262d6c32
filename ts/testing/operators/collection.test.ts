import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { InferenceSession } from 'onnxruntime-node';
import { fromOrtTensor, toOrtTensor } from '../../plugins/onnx/ort-tensor.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { inferBinary, readBinary } from '../oip/infer-callers.ts';
import { orSkip } from '../programs/skip.ts';
import { type CollectionCase, collectionFolder, collectionNames, readCase } from './collection.ts';

/*
 * Guards: an operator that onnxruntime-node runs in a program's own process gives, bit for bit, the same
 * through the daemon. Every eighth case of the collection; MLOS_SOAK=1 takes all.
 */
const isSoak = process.env['MLOS_SOAK'] === '1';
const all = collectionNames();
const names = isSoak ? all : all.filter((_, index) => index % 8 === 0);
const skip = all.length > 0 ? false : orSkip(`no ${collectionFolder} (libonnx-testdata)`);

function bits(name: string, { dtype, shape, data }: Tensor): unknown {
  const elements = data instanceof Uint8Array ? Buffer.from(data).toString('hex') : [...data];
  return { name, dtype, shape: [...shape], elements };
}

/** What the runtime gives here, or null where it fails or gives something else the next time. */
async function inProcess(one: CollectionCase): Promise<unknown[] | null> {
  try {
    const options = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
    const session = await InferenceSession.create(readFileSync(one.path), options);
    const feeds = Object.fromEntries(
      Object.entries(one.inputs).map(([name, value]) => [name, toOrtTensor(name, value)]),
    );
    const run = async () => {
      const results = await session.run(feeds);
      return session.outputNames.map((name) => {
        const result = results[name];
        assert.ok(result);
        return bits(name, fromOrtTensor(name, result));
      });
    };
    const [first, second] = [await run(), await run()];
    await session.release();
    return isDeepStrictEqual(first, second) ? first : null;
  } catch {
    // What does not pass in process is no case of this test.
    return null;
  }
}

test('operators of the collection', { timeout: 600_000, skip }, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start({ args: ['--set', 'inference.intra_op_threads=1'] });
  const client = await daemon.connect();
  const faults: string[] = [];
  let passed = 0;
  for (const name of names) {
    const one = readCase(name);
    const expected = one === null ? null : await inProcess(one);
    if (one === null || expected === null) continue;
    const id = `onnx/${name}@1`;
    try {
      await client.call('models.register', { model_id: id, path: one.path });
      const { outputs } = await client.infer(id, one.inputs);
      const overIpc = Object.entries(outputs).map((entry) => bits(...entry));
      assert.deepEqual(overIpc, expected, 'over the socket');
      const call = { model: id, inputs: one.inputs, outputs: [] };
      const reply = await inferBinary(daemon.httpPort, call);
      assert.equal(reply.status, 200, String(reply.bytes));
      const overHttp = [...readBinary(reply)].map((entry) => bits(...entry));
      assert.deepEqual(overHttp, expected, 'over the Open Inference Protocol');
      await client.call('models.unregister', { model_id: id });
      passed += 1;
    } catch (error) {
      faults.push(`${name}: ${(error as Error).message}`);
    }
  }
  t.diagnostic(`${passed} of ${names.length} cases run in process and through the daemon`);
  assert.equal(faults.length, 0, `${faults.length} faults:\n${faults.join('\n')}`);
  assert.ok(passed > names.length / 2, `only ${passed} passed`);
});
