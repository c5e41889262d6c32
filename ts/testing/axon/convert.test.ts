import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { parseManifest } from '../../protocol/manifest.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { tinySavedModel } from '../hub-double/tiny-tensorflow.ts';
import { tinyGguf, tinySafetensors } from '../hub-double/tiny-weights.ts';
import { storedZip, torchFile } from '../hub-double/torch-file.ts';
import { type Behaviour, converterScript, fakePython } from './fake-python.ts';
import { type Home, makeHome } from './run-axon.ts';

const script = storedZip({
  'm/data.pkl': Buffer.from('\u0080\u0002c__torch__\nNet\n)\u0081.', 'latin1'),
  'm/constants.pkl': Buffer.from('\u0080\u0002).', 'latin1'),
});
const input = ['--input', 'x:float32[batch,3]'];

interface Converter {
  readonly home: Home;
  readonly folder: string;
  convert(...argv: string[]): ReturnType<Home['axon']>;
}

/** A home with `my/net@1`, and a Python that behaves as told. */
async function converter(
  t: TestContext,
  files: Readonly<Record<string, Buffer | string>>,
  behaviour: Behaviour = 'ok',
): Promise<Converter> {
  const home = makeHome(t);
  const source = path.join(home.dir, 'net');
  for (const [name, data] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(source, name)), { recursive: true });
    fs.writeFileSync(path.join(source, name), data);
  }
  const installed = await home.axon('install', './net', '--as', 'my/net@1', '--allow-pickle');
  assert.equal(installed.status, 0, installed.stderr);
  const folder = path.join(home.dir, 'fake');
  const env = { AXON_PYTHON: fakePython(folder, behaviour, tinyOnnx()), SECRET_TOKEN: 'secret' };
  return {
    home,
    folder,
    convert: (...argv) => home.axonWith(env, 'convert', 'my/net@1', ...argv),
  };
}

/** Only the source is installed, and no environment and no work are left behind. */
function nothingKept({ home }: Converter): void {
  assert.deepEqual(fs.readdirSync(path.join(home.models, 'my')), ['net']);
  const left = fs.readdirSync(home.dir, { recursive: true }).map(String);
  assert.deepEqual(
    left.filter((name) => /conversion|answer\.json|job\.json/.test(name)),
    [],
  );
}

test('a conversion that agrees with its source is installed, with what was found', async (t) => {
  const made = await converter(t, { 'net.pt': script, LICENSE: 'MIT', 'vocab.txt': 'a' });
  const asked = await made.convert(...input);
  assert.equal(asked.status, 25, asked.stderr);
  assert.match(asked.stderr, /some gigabytes in .*torch==2\.13\.0.*--yes/);
  assert.ok(!fs.existsSync(path.join(made.folder, 'calls')), 'Python was not even called');
  nothingKept(made);

  const done = await made.convert(...input, '--yes', '--json');
  assert.equal(done.status, 0, done.stderr);
  assert.equal(done.json()['id'], 'my/net-onnx@1');
  const dir = path.join(made.home.models, 'my/net-onnx/1');
  const manifest = parseManifest(fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8'));
  assert.deepEqual(manifest.distribution?.conversion, {
    from: 'my/net@1',
    route: 'torchscript',
    trials: 3,
    max_abs: 1e-6,
    max_rel: 1e-7,
    versions: { torch: '2' },
  });
  assert.equal(manifest.distribution?.source?.hub, 'convert');
  assert.deepEqual(
    manifest.spec.format.files.map((file) => file.path),
    ['LICENSE', 'model.onnx', 'vocab.txt'],
  );
  assert.ok(manifest.spec.io);
  assert.equal((await made.home.axon('verify', 'my/net-onnx@1')).status, 0);

  const info = await made.home.axon('info', 'my/net-onnx@1');
  assert.match(info.stdout, /made of +my\/net@1 by way of torchscript; 0\.000010 % apart/);

  const job = JSON.parse(fs.readFileSync(path.join(made.folder, 'job'), 'utf8')) as {
    inputs: unknown;
    env: Record<string, string>;
  };
  assert.deepEqual(job.inputs, [{ name: 'x', dtype: 'float32', dims: ['batch', 3] }]);
  assert.equal(job.env['SECRET_TOKEN'], undefined, 'no credentials for a strange model');
  const again = await made.convert(...input, '--json');
  assert.equal(again.json()['status'], 'already-installed');
  const calls = fs.readFileSync(path.join(made.folder, 'calls'), 'utf8');
  assert.equal(calls.match(/pip install/g)?.length, 1, 'the environment is made once');
});

const failures: Record<string, [Behaviour, number, RegExp]> = {
  'another result': ['problem', 26, /differs from the source.*Nothing was kept/],
  'no answer': ['crash', 26, /without an answer \(status 3\)/],
  'no end': ['hang', 26, /did not end in .*--timeout/],
  'a Python that is too old': ['old', 25, /is 3\.9\. .*3\.11/],
  'a pip that fails': ['pip', 25, /pip failed.*pip config list/],
};

for (const [name, [behaviour, status, says]] of Object.entries(failures)) {
  test(`${name} ends with exit code ${status} and nothing kept`, async (t) => {
    const made = await converter(t, { 'net.pt': script }, behaviour);
    const done = await made.convert(...input, '--yes', '--timeout', '0.02');
    assert.equal(done.status, status, done.stderr);
    assert.match(done.stderr, says);
    nothingKept(made);
  });
}

test('without Python the error says what is needed', async (t) => {
  const made = await converter(t, { 'net.pt': script });
  const env = { AXON_PYTHON: '/nonexistent/python' };
  const done = await made.home.axonWith(env, 'convert', 'my/net@1', ...input, '--yes');
  assert.equal(done.status, 25, done.stderr);
  assert.match(done.stderr, /cannot be run.*python3-venv.*AXON_PYTHON/);
});

test('a source that was changed is not converted', async (t) => {
  const made = await converter(t, { 'net.pt': script });
  fs.appendFileSync(path.join(made.home.models, 'my/net/1/net.pt'), 'x');
  assert.equal((await made.convert(...input, '--yes')).status, 18);
});

const config = JSON.stringify({ architectures: ['Net'] });
const plans: Record<string, [Record<string, Buffer | string>, string[], number, RegExp]> = {
  ONNX: [{ 'm.onnx': tinyOnnx() }, [], 25, /is ONNX already/],
  GGUF: [{ 'm.gguf': tinyGguf() }, [], 25, /llama\.cpp/],
  'TorchScript without inputs': [{ 'm.pt': script }, [], 2, /--input 'image/],
  'weights without a program': [{ 'm.pt': torchFile('m') }, [], 25, /--architecture torchvision/],
  'a pickle that runs code': [{ 'm.pt': Buffer.from('cos\nsystem\n.') }, [], 25, /os\.system/],
  'a builder with a path in it': [
    { 'm.pt': torchFile('m') },
    ['--architecture', '../x'],
    2,
    /is no builder/,
  ],
  'a model with remote code': [
    {
      'model.safetensors': tinySafetensors(),
      'config.json': JSON.stringify({ architectures: ['Net'], auto_map: { a: 'b' } }),
    },
    [],
    25,
    /auto_map.*optimum-cli/,
  ],
  'an adapter': [
    { 'adapter_model.safetensors': tinySafetensors(), 'adapter_config.json': '{}' },
    [],
    25,
    /an adapter/,
  ],
  'a pipeline': [
    { 'model_index.json': '{}', 'unet/model.safetensors': tinySafetensors() },
    [],
    25,
    /a pipeline of several models.*optimum-cli/,
  ],
  transformers: [
    { 'model.safetensors': tinySafetensors(), 'config.json': config },
    [],
    25,
    /transformers==.*--yes/,
  ],
  SavedModel: [{ 'saved_model.pb': tinySavedModel() }, [], 25, /tf2onnx==.*--yes/],
  'an unknown target': [{ 'm.gguf': tinyGguf() }, ['--to', 'tflite'], 2, /choices are onnx/],
  'an input that is none': [{ 'm.pt': script }, ['--input', 'x'], 2, /name|write 'image/],
  'an input of nothing': [{ 'm.pt': script }, ['--input', 'x:float32[0]'], 2, /impossible shape/],
  'an input of no dtype': [{ 'm.pt': script }, ['--input', 'x:float[1]'], 2, /dtype float/],
};

test('what cannot be converted, or not yet, says what would', async (t) => {
  for (const [name, [files, argv, status, says]] of Object.entries(plans)) {
    const made = await converter(t, files);
    const done = await made.convert(...argv);
    assert.equal(done.status, status, `${name}: ${done.stderr}`);
    assert.match(done.stderr, says, name);
  }
});

test('an install says what runs the format, or offers a conversion', async (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'm.gguf'), tinyGguf());
  fs.writeFileSync(path.join(home.dir, 'm.onnx'), tinyOnnx());
  fs.mkdirSync(path.join(home.dir, 'tf'));
  fs.writeFileSync(path.join(home.dir, 'tf/saved_model.pb'), tinySavedModel());
  const gguf = (await home.axon('install', './m.gguf')).stdout;
  // A plugin that comes with MLOS runs it.
  assert.match(gguf, /Next: axon register/);
  assert.doesNotMatch(gguf, /convert|plugin/);
  const saved = (await home.axon('install', './tf', '--as', 'my/tf@1')).stdout;
  assert.match(saved, /axon convert my\/tf@1/);
  assert.match(
    (await home.axon('install', './m.onnx', '--as', 'my/m@1')).stdout,
    /Next: axon register/,
  );
});

const isSoak = process.env['MLOS_SOAK'] === '1';

test('real models are converted by real frameworks, and ONNX Runtime runs them', {
  skip: isSoak ? false : 'MLOS_SOAK=1 makes the Python environments and runs this',
  timeout: 3_600_000,
}, async (t) => {
  const home = makeHome(t);
  // Kept between runs: they are gigabytes.
  const environments = path.join(os.tmpdir(), 'axon-convert-environments');
  const env = { AXON_CONVERT_DIR: environments, ...pipConfiguration() };
  const program = path.join(home.dir, 'make.py');
  fs.writeFileSync(
    program,
    `import torch
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).eval()
torch.jit.script(net).save('net.pt')
`,
  );
  // The first conversion makes the environment; its own Python then makes the model.
  fs.mkdirSync(path.join(home.dir, 'first'));
  fs.writeFileSync(path.join(home.dir, 'first/net.pt'), script);
  await home.axon('install', './first', '--as', 'my/first@1', '--allow-pickle');
  const argv = ['--input', 'x:float32[batch,4]', '--yes'];
  const broken = await home.axonWith(env, 'convert', 'my/first@1', ...argv);
  assert.equal(broken.status, 26, broken.stderr);
  const [name = ''] = fs.readdirSync(environments).filter((entry) => /^torch-\w+$/.test(entry));
  const python = path.join(environments, name, 'bin/python');
  const ran = spawnSync(python, ['-I', program], { cwd: home.dir, encoding: 'utf8' });
  assert.equal(ran.status, 0, ran.stderr);
  assert.equal((await home.axon('install', './net.pt', '--as', 'my/net@1')).status, 0);
  const done = await home.axonWith(env, 'convert', 'my/net@1', ...argv, '--json');
  assert.equal(done.status, 0, done.stderr);
  const { conversion, path: dir } = done.json<{
    conversion: { max_rel: number };
    path: string;
  }>();
  assert.ok(conversion.max_rel < 1e-3);
  const session = await InferenceSession.create(path.join(dir, 'model.onnx'));
  const out = await session.run({ x: new Tensor('float32', new Float32Array(12), [3, 4]) });
  assert.deepEqual(out['output']?.dims, [3, 2]);
});

/** pip's address is that of whoever runs the test. */
function pipConfiguration(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([key]) => /^(PIP_|SSL_)/.test(key)),
  );
}

test('the programs of the converter are where axon looks for them', () => {
  assert.ok(fs.existsSync(converterScript));
});
