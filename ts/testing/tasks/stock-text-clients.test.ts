import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../house/tree.ts';
import { startHubDouble } from '../hub-double/hub-double.ts';
import { identityModel } from '../onnx-models.ts';
import { findPython } from '../programs/interpreter.ts';
import { run } from '../programs/run.ts';
import { fakeTasks } from './place.ts';

// Guards: the Python clients of OpenAI's and Ollama's APIs work unmodified, and take the forms of all answers.

const watchdog = { timeout: 300_000 };
const python = findPython({ openai: 'openai==3.57.0', ollama: 'ollama==0.6.3' });

test('the stock clients for Python, of OpenAI and of Ollama', {
  ...watchdog,
  skip: python.skip,
}, async (t) => {
  const repos = [{ id: 'acme/one', files: { 'model.onnx': identityModel('float32', ['n']) } }];
  const hub = await startHubDouble({ repos });
  t.after(() => hub.close());
  const { daemon } = await fakeTasks(t, '', [], hub.env);
  const program = join(root, 'ts/testing/tasks/stock_text_clients.py');
  const url = `http://127.0.0.1:${daemon.httpPort}`;
  const { code, stdout, stderr } = await run(python.program, [program, url], {
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^ok \d\d+\n$/);
  t.diagnostic(`${stdout.trim()} checks`);
});
