import { MlosError } from '../../protocol/errors.ts';
import { servePlugin } from '../../smi/serve.ts';
import { ortJsRunner } from './ort-js-runner.ts';
import type { RunnerSession } from './runner.ts';

/*
 * The built-in ONNX plugin: models by id, each one session of the runner.
 */
const runner = ortJsRunner;
const sessions = new Map<string, RunnerSession>();

function sessionOf(modelId: string): RunnerSession {
  const session = sessions.get(modelId);
  if (session !== undefined) return session;
  throw new MlosError('FAILED_PRECONDITION', `${modelId} is not loaded in this process.`);
}

async function close(modelId: string): Promise<void> {
  const session = sessions.get(modelId);
  sessions.delete(modelId);
  await session?.close();
}

servePlugin({
  name: 'onnx',
  version: '1.0.0',
  frameworks: ['onnx', 'pytorch', 'tensorflow', 'scikit-learn'],
  formats: ['onnx'],
  dtypes: [
    'float32',
    'float64',
    'float16',
    'int8',
    'int16',
    'int32',
    'int64',
    'uint8',
    'uint16',
    'uint32',
    'uint64',
    'bool',
    'string',
  ],
  runner: runner.name,
  async loadModel({ modelId, file, options }) {
    const session = await runner.open(file, options);
    await close(modelId);
    sessions.set(modelId, session);
    return session;
  },
  unloadModel: close,
  infer: ({ modelId, inputs, outputs }) => sessionOf(modelId).run(inputs, outputs),
  getModelInfo: (modelId) => ({ ...sessionOf(modelId).metadata }),
});
