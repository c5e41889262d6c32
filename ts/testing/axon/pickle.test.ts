import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parseManifest } from '../../protocol/manifest.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinySafetensors } from '../hub-double/tiny-weights.ts';
import { storedZip, torchFile } from '../hub-double/torch-file.ts';
import { makeHome } from './run-axon.ts';

const evil = storedZip({ 'm/data.pkl': Buffer.from('cposix\nsystem\n(Vtouch /tmp/never\ntR.') });
const remote = JSON.stringify({ architectures: ['Net'], auto_map: { AutoModel: 'modeling.Net' } });

const programNames =
  'install.bash lib.so.1 m.ipynb m.jar m.node m.wasm p.pl run.rb setup.js x.pyx'.split(' ');

let double: HubDouble;
before(async () => {
  double = await startHubDouble({
    files: { 'net.pt': torchFile('net') },
    repos: [
      { id: 'acme/good', files: { 'pytorch_model.bin': torchFile('net') } },
      {
        id: 'acme/evil',
        files: { 'pytorch_model.bin': evil, 'model.safetensors': tinySafetensors() },
      },
      {
        id: 'acme/beside',
        files: {
          'model.safetensors': tinySafetensors(),
          'training_args.bin': "cposix\nsystem\n(S'touch /tmp/never'\ntR.",
        },
      },
      { id: 'acme/clip', files: { 'open_clip_pytorch_model.bin': torchFile('net') } },
      { id: 'acme/plain', files: { 'model.bin': torchFile('net') } },
      { id: 'acme/other', files: { 'model.bin': Buffer.alloc(99, '\u0006'), 'config.json': '{}' } },
      {
        id: 'acme/openvino',
        files: { 'model.bin': Buffer.alloc(99), 'model.xml': '<net/>', 'extra.pt': torchFile('x') },
      },
      {
        id: 'acme/programs',
        files: {
          'model.safetensors': tinySafetensors(),
          ...Object.fromEntries(programNames.map((name) => [name, 'text'])),
          'tools/build': '#!/bin/sh\nmake',
          'weights.dat': Buffer.from('\x7fELF\x02\x01\x01', 'latin1'),
          'notes.dat': 'text',
        },
      },
      { id: 'acme/elf', files: { 'net.onnx': Buffer.from('\x7fELF\x02\x01', 'latin1') } },
      {
        id: 'acme/code',
        files: {
          'model.safetensors': tinySafetensors(),
          'config.json': remote,
          'modeling.py': 'import os',
        },
      },
    ],
  });
});
after(() => double.close());

function manifestOf(dir: string) {
  return parseManifest(fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8'));
}

test('a pickle of tensors whose hash is stated is installed, and the manifest says what it is', async (t) => {
  const home = makeHome(t, double);
  const dry = await home.axon('install', 'hf/acme/good', '--dry-run');
  assert.match(dry.stdout, /pickle +looked into once it is here/);
  const done = await home.axon('install', 'hf/acme/good');
  assert.equal(done.status, 0, done.stderr);
  const { spec } = manifestOf(path.join(home.models, 'hf/acme/good/latest'));
  assert.equal(spec.format.pickle, 'tensors-only');
  assert.deepEqual(spec.model, { parameters: 4, dtypes: { float32: 4 } });
  assert.match((await home.axon('info', 'hf/acme/good')).stdout, /weights +4 parameters/);
});

test('one that could run code is refused with its names and a safer format, and never run', async (t) => {
  const home = makeHome(t, double);
  const refused = await home.axon('install', 'hf/acme/evil', '--format', 'pytorch', '--json');
  assert.equal(refused.status, 24, refused.stderr);
  assert.match(refused.stderr, /posix\.system.*--format safetensors.*--allow-pickle/);
  assert.deepEqual(home.installed(), []);
  const plain = await home.axon('install', 'hf/acme/evil', '--as', 'my/safe@1');
  assert.equal(plain.status, 0, plain.stderr);
  const all = await home.axon('install', 'hf/acme/evil', '--all', '--as', 'my/all@1');
  assert.equal(all.status, 24);
  const taken = await home.axon(
    ...['install', 'hf/acme/evil', '--format', 'pytorch', '--allow-pickle'],
  );
  assert.equal(taken.status, 0, taken.stderr);
  const { format } = manifestOf(path.join(home.models, 'hf/acme/evil/latest')).spec;
  assert.deepEqual([format.pickle, format.pickle_names], ['may-run-code', ['posix.system']]);
  assert.ok(!fs.existsSync('/tmp/never'));
});

test('one whose hash nobody states is refused without the flag', async (t) => {
  const home = makeHome(t, double);
  const url = `${double.cdn}/net.pt`;
  const refused = await home.axon('install', url, '--as', 'my/net@1');
  assert.equal(refused.status, 24, refused.stderr);
  assert.match(refused.stderr, /nothing states its hash/);
  assert.equal((await home.axon('install', url, '--as', 'my/net@1', '--allow-pickle')).status, 0);
});

test('a model that wants its own code says so, and has it only when that is allowed', async (t) => {
  const home = makeHome(t, double);
  await home.axon('install', 'hf/acme/code', '--as', 'my/code@1');
  await home.axon('install', 'hf/acme/code', '--as', 'my/code@2', '--allow-code');
  const [without, having] = ['1', '2'].map((v) => manifestOf(path.join(home.models, 'my/code', v)));
  assert.equal(without?.spec.format.remote_code, 'left-out');
  assert.equal(having?.spec.format.remote_code, 'included');
  assert.equal(having?.spec.model?.architecture, 'Net');
});

test('a pickle of an old protocol beside the model is refused, too', async (t) => {
  const home = makeHome(t, double);
  const refused = await home.axon('install', 'hf/acme/beside', '--all');
  assert.equal(refused.status, 24, refused.stderr);
  assert.match(refused.stderr, /training_args\.bin .*posix\.system/);
  assert.equal((await home.axon('install', 'hf/acme/beside')).status, 0);
});

test('weights under further names of PyTorch are found, and what only looks like them is told', async (t) => {
  const home = makeHome(t, double);
  for (const [repo, file] of [
    ['clip', 'open_clip_pytorch_model.bin'],
    ['plain', 'model.bin'],
    ['openvino', 'extra.pt'],
  ]) {
    const done = await home.axon('install', `hf/acme/${repo}`, '--json');
    assert.equal(done.status, 0, done.stderr);
    const { format } = manifestOf(path.join(home.models, `hf/acme/${repo}/latest`)).spec;
    assert.deepEqual(
      format.execution_files?.map((one) => one.path),
      [file],
    );
    assert.equal(format.pickle, 'tensors-only');
  }
  const other = await home.axon('install', 'hf/acme/other');
  assert.equal(other.status, 12, other.stderr);
  assert.match(other.stderr, /model\.bin is no file of PyTorch/);
});

test('programs stay where they are, by whichever name, also those that only begin as one', async (t) => {
  const home = makeHome(t, double);
  const paths = (version: string) => {
    const { spec, distribution } = manifestOf(path.join(home.models, 'my/all', version));
    return [spec.format.files.map((file) => file.path), distribution?.selection?.excluded];
  };
  const done = await home.axon('install', 'hf/acme/programs', '--all', '--as', 'my/all@1');
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stderr, /left out without --allow-code: tools\/build, weights\.dat\./);
  assert.deepEqual(paths('1'), [['model.safetensors', 'notes.dat'], programNames.length + 2]);
  assert.ok(!fs.existsSync(path.join(home.models, 'my/all/1/weights.dat')));
  const flags = ['--all', '--allow-code', '--as', 'my/all@2'];
  await home.axon('install', 'hf/acme/programs', ...flags);
  assert.deepEqual(paths('2')[1], 0);
  const elf = await home.axon('install', 'hf/acme/elf');
  assert.notEqual(elf.status, 0);
  // In a package they cannot be left out.
  await home.axon('pack', 'my/all@2', '-o', 'all.axon');
  const there = makeHome(t, double);
  const refused = await there.axon('install', path.join(home.dir, 'all.axon'));
  assert.equal(refused.status, 29, refused.stderr);
});
