import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon, stopDaemon } from './quickstart/daemon.mjs';
import { isMain, main } from './steps.mjs';

/** One model through both doors on the Node that runs this file. */
async function smoke() {
  const { identityModel } = await import('../dist/testing/onnx-models.js');
  const { connect } = await import('../dist/client/client.js');
  const folder = mkdtempSync(join(tmpdir(), 'mlos-smoke-'));
  try {
    const file = join(folder, 'identity.onnx');
    writeFileSync(file, identityModel('float32', [-1, 3]));
    const daemon = await startDaemon({ folder, port: 0, socketPath: join(folder, 's.sock') });
    try {
      const client = await connect({ socketPath: daemon.socketPath });
      const health = await client.call('health.get', {});
      await client.call('models.register', { model_id: 'smoke/identity@1', path: file });
      const { model } = await client.call('models.get', { model_id: 'smoke/identity@1' });
      const [{ name }] = model.signature.inputs;
      const values = new Float32Array([1, 2.5, -3]);
      const { outputs } = await client.infer('smoke/identity@1', {
        [name]: { dtype: 'float32', shape: [1, 3], data: new Uint8Array(values.buffer) },
      });
      assert.deepEqual(Object.values(outputs)[0].values, values);
      await client.close();
      const response = await fetch(`${daemon.endpoint}/models/smoke-identity@1/inference`, {
        method: 'POST',
        body: JSON.stringify({ [name]: [[1, 2.5, -3]] }),
      });
      const answer = await response.json();
      assert.deepEqual(Object.values(answer.outputs)[0], [1, 2.5, -3]);
      process.stderr.write(`  Node ${process.version}: works, HTTP on ${health.http_adapter}\n`);
    } finally {
      await stopDaemon(daemon);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (isMain(import.meta.url)) await main(smoke);
