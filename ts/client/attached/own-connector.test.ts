import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EngineInProcess, plainModel, plainRuntime } from '../../testing/engine-in-process.ts';
import { identityModel } from '../../testing/onnx-models.ts';
import { AttachedModel } from './attached-model.ts';
import { ownConnector } from './own-connector.ts';

const options = { timeout: 60_000 };
const folder = mkdtempSync(join(tmpdir(), 'mlos-own-'));
after(() => rmSync(folder, { recursive: true }));

async function own(host: EngineInProcess) {
  const file = join(folder, 'identity.onnx');
  writeFileSync(file, identityModel('float32', [-1]));
  const added = await host.engine.addOnnxModel(file, plainRuntime(), plainModel);
  const { handle, signature } = added;
  const connector = ownConnector(host.engine, { modelId: 't/own@1', handle, signature });
  const where = { connector, modelId: 't/own@1' };
  return { handle, model: await AttachedModel.attach(where, {}, () => undefined) };
}

test(
  'a process asks a model of its own engine, many at once and beyond its first memory',
  options,
  async () => {
    using host = await EngineInProcess.start();
    const { model } = await own(host);
    const [input] = model.signature.inputs;
    const [output] = model.signature.outputs;
    const name = input?.name ?? '';
    const run = async (values: Float32Array) => {
      const { outputs } = await model.infer({
        [name]: { dtype: 'float32', shape: [values.length], data: values },
      });
      return outputs[output?.name ?? '']?.values as Float32Array;
    };
    const answers = await Promise.all([1, 2, 3, 4].map((value) => run(Float32Array.of(value, 0))));
    assert.deepEqual(
      answers.map((answer) => answer[0]),
      [1, 2, 3, 4],
    );
    const large = new Float32Array(1_000_000).fill(7);
    assert.deepEqual(await run(large), large);
    model.close();
  },
);

test('a model that is removed says so', options, async () => {
  using host = await EngineInProcess.start();
  const { handle, model } = await own(host);
  await host.engine.removeModel(handle, 'PLUGIN_UNAVAILABLE');
  const name = model.signature.inputs[0]?.name ?? '';
  const answer = model.infer({
    [name]: { dtype: 'float32', shape: [1], data: Float32Array.of(1) },
  });
  await assert.rejects(answer, { code: 'MODEL_NOT_FOUND' });
  model.close();
});
