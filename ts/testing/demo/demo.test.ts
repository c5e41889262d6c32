import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../house/tree.ts';
import { startHubDouble } from '../hub-double/hub-double.ts';
import { bertLikeModel } from '../onnx-models.ts';

/**
 * The demo script as a newcomer runs it, against a double of the hub: the documented commands, word
 * for word, have to get from install to an answer and survive a killed plugin.
 */
const watchdogMs = 120_000;

function runDemo(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<[number | null, string]> {
  return new Promise((resolve) => {
    const child = spawn(join(root, 'examples/e2e_axon_mlos_demo.sh'), args, { env });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', (code) => resolve([code, Buffer.concat(chunks).toString()]));
  });
}

test('Delivery, Integration, Usage, Implications', { timeout: watchdogMs }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mlos-demo-test-'));
  const hub = await startHubDouble({
    repos: [
      {
        id: 'google-bert/bert-base-uncased',
        aliases: ['bert-base-uncased'],
        files: {
          'model.onnx': bertLikeModel(),
          'config.json': Buffer.from('{"model_type":"bert"}'),
          'README.md': Buffer.from('# A small stand-in\n'),
        },
      },
    ],
  });
  try {
    const [code, output] = await runDemo(
      ['hf/bert-base-uncased@latest', 'nowhere/vision/resnet50@latest'],
      {
        PATH: process.env['PATH'],
        HOME: folder,
        TMPDIR: folder,
        AXON_HOME: join(folder, 'axon'),
        HF_ENDPOINT: hub.hf,
        // Nobody listens there: the script has to start a daemon of its own.
        MLOS_CORE_ENDPOINT: 'http://127.0.0.1:9',
      },
    );
    t.diagnostic(output.slice(-400));
    assert.equal(code, 0, output);
    assert.match(output, /1 of 2 models installed, 1 registered, 1 answered/);
    assert.match(output, /resnet50@latest\\?" names no hub/);
    assert.match(output, /"code":"UNIMPLEMENTED"/, 'text has a clear answer');
    assert.match(output, /kill -9 \d+/);
    assert.ok((output.match(/"status":"success","model_id":"hf\/bert/g) ?? []).length >= 2);
  } finally {
    await hub.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
