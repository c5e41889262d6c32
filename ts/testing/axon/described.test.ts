import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { hubs } from '../../axon/hubs/registry.ts';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { makeTgz } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { tinyGguf } from '../hub-double/tiny-weights.ts';
import { resnet50File } from '../hub-double/torch-file.ts';
import { makeZip } from '../hub-double/zip.ts';
import { makeHome } from './run-axon.ts';

const onnx = tinyOnnx();
const metadata = `Metadata-Version: 2.4
Name: acme-net
Version: 1.2.0
Summary: A net in a wheel.
License-Expression: MIT
Author: Ann
Author-email: "Bob Builder" <bob@acme.example>, carl@acme.example
Keywords: vision, onnx
Project-URL: Documentation, https://acme.example/docs
Home-page: https://acme.example

The long description.
`;
const packageJson = JSON.stringify({
  name: '@acme/net',
  version: '1.2.0',
  description: 'A net in a package.',
  license: 'MIT',
  author: 'Ann <ann@acme.example> (https://acme.example)',
  contributors: [{ name: 'Bob', email: 'bob@acme.example' }],
  keywords: ['vision'],
  homepage: 'https://acme.example',
});
const artifact = {
  tag: 'v1',
  layers: [
    {
      mediaType: 'application/vnd.cncf.model.weight.v1.raw',
      data: onnx,
      annotations: { 'org.cncf.model.filepath': 'model.onnx' },
    },
  ],
};
const modelPack = {
  ...artifact,
  repository: 'acme/packed',
  config: {
    mediaType: 'application/vnd.cncf.model.config.v1+json',
    data: Buffer.from(
      JSON.stringify({
        descriptor: {
          createdAt: '2024-05-06T07:08:09Z',
          authors: ['Ann <ann@acme.example>'],
          vendor: 'Acme',
          family: 'tiny',
          licenses: ['MIT', 'Apache-2.0'],
          description: 'A net in a registry.',
          docURL: 'https://acme.example/net',
        },
        config: { architecture: 'transformer', format: 'onnx' },
      }),
    ),
  },
};
const annotated = {
  ...artifact,
  repository: 'acme/annotated',
  annotations: {
    'org.opencontainers.image.title': 'The net',
    'org.opencontainers.image.authors': 'Ann, Bob',
    'org.opencontainers.image.created': '2024-05-06T07:08:09Z',
    'org.opencontainers.image.licenses': 'MIT',
    'org.opencontainers.image.documentation': 'https://acme.example/docs',
    'org.opencontainers.image.source': 'https://acme.example/source',
  },
};
const kit = {
  ...artifact,
  repository: 'acme/kit',
  config: {
    mediaType: 'application/vnd.kitops.modelkit.config.v1+json',
    data: Buffer.from(
      JSON.stringify({
        package: { description: 'A kit.', authors: ['Ann'] },
        model: { framework: 'onnx', license: 'MIT' },
      }),
    ),
  },
};
const ollama = {
  repository: 'library/tiny',
  tag: 'latest',
  config: {
    mediaType: 'application/vnd.docker.container.image.v1+json',
    data: Buffer.from('{"model_format":"gguf","model_family":"tiny","file_type":"Q4_K_M"}'),
  },
  layers: [
    { mediaType: 'application/vnd.ollama.image.model', data: tinyGguf() },
    { mediaType: 'application/vnd.ollama.image.license', data: Buffer.from('Some licence') },
  ],
};

let double: HubDouble;
before(async () => {
  double = await startHubDouble({
    repos: [{ id: 'org/net', files: { 'model.onnx': onnx } }],
    packages: [
      {
        name: '@acme/net',
        version: '1.2.0',
        tarball: await makeTgz({ 'package.json': packageJson, 'model.onnx': onnx }),
      },
    ],
    weights: { 'resnet50-11ad3fa6.pth': resnet50File() },
    models: [{ path: 'google/net/tensorFlow2/small', versions: [{ 'model.onnx': onnx }] }],
    handles: { 'google/net/1': 'google/net/TensorFlow2/small/1' },
    scope: [{ id: 'damo/net', files: { 'model.onnx': onnx } }],
    artifacts: [modelPack, annotated, kit, ollama],
    wheels: [
      {
        project: 'acme-net',
        filename: 'acme_net-1.2.0-py3-none-any.whl',
        data: makeZip([
          { name: 'acme_net/model.onnx', data: onnx },
          { name: 'acme_net-1.2.0.dist-info/METADATA', data: Buffer.from(metadata) },
        ]),
      },
    ],
    releases: [{ repo: 'acme/net', tag: 'v1', assets: { 'net.onnx': onnx } }],
    files: { 'net.onnx': onnx },
  });
});
after(() => double.close());

type Stated = Omit<Manifest['metadata'], 'name' | 'namespace' | 'version'>;
const kaggle: Stated = {
  license: 'Apache-2.0',
  description: 'A net.',
  homepage: 'https://www.kaggle.com/models/google/net',
  library: 'tensorFlow2',
  tags: ['tensorFlow2', 'image'],
  authors: [{ name: 'Google' }],
  created: '2023-05-17T20:41:09.977Z',
  updated: '2024-01-02T03:04:05.000Z',
};

/** What the manifest holds of what each hub states: all of it, and nothing else. */
const table: readonly (readonly [spec: (double: HubDouble) => string, Stated])[] = [
  [
    () => 'hf/org/net',
    {
      license: 'Apache-2.0',
      tags: ['fill-mask', 'onnx'],
      task: 'fill-mask',
      library: 'transformers',
      authors: [{ name: 'org' }],
      created: '2022-03-02T23:29:04.000Z',
      updated: '2024-02-19T11:06:12.000Z',
    },
  ],
  [
    () => 'pytorch/vision/resnet50',
    {
      license: 'unknown',
      library: 'torchvision',
      tags: ['pytorch', 'torchvision'],
      homepage: 'https://pytorch.org/vision/stable/models.html',
    },
  ],
  [() => 'tfhub/google/net/1', kaggle],
  [() => 'kaggle/google/net/tensorFlow2/small', kaggle],
  [
    () => 'modelscope/damo/net',
    {
      license: 'Apache-2.0',
      description: 'Sees what there is.',
      tags: ['image-classification', 'pytorch', 'vision'],
      task: 'image-classification',
      library: 'pytorch',
      authors: [{ name: 'An Organization' }],
      created: '2022-04-15T05:20:00.000Z',
      updated: '2023-11-14T22:13:20.000Z',
    },
  ],
  [
    () => 'npm/@acme/net@1.2.0',
    {
      license: 'MIT',
      description: 'A net in a package.',
      homepage: 'https://acme.example',
      tags: ['vision'],
      authors: [{ name: 'Ann' }, { name: 'Bob' }],
    },
  ],
  [
    () => 'pypi/acme-net',
    {
      license: 'MIT',
      description: 'A net in a wheel.',
      homepage: 'https://acme.example',
      documentation: 'https://acme.example/docs',
      tags: ['vision', 'onnx'],
      authors: [{ name: 'Ann' }, { name: 'Bob Builder' }],
      created: '2023-04-05T06:07:08.123456Z',
    },
  ],
  [
    ({ oci }) => `oci/${new URL(oci).host}/acme/packed@v1`,
    {
      license: 'MIT, Apache-2.0',
      description: 'A net in a registry.',
      homepage: 'https://acme.example/net',
      tags: ['tiny', 'transformer'],
      authors: [{ name: 'Ann' }, { name: 'Acme' }],
      created: '2024-05-06T07:08:09Z',
    },
  ],
  [
    ({ oci }) => `oci/${new URL(oci).host}/acme/annotated@v1`,
    {
      license: 'MIT',
      description: 'The net',
      homepage: 'https://acme.example/source',
      documentation: 'https://acme.example/docs',
      authors: [{ name: 'Ann' }, { name: 'Bob' }],
      created: '2024-05-06T07:08:09Z',
    },
  ],
  [
    ({ oci }) => `oci/${new URL(oci).host}/acme/kit@v1`,
    { license: 'MIT', description: 'A kit.', library: 'onnx', authors: [{ name: 'Ann' }] },
  ],
  [() => 'ollama/tiny', { license: 'SEE LICENSE IN LICENSE', tags: ['tiny', 'Q4_K_M'] }],
  [
    () => 'gh/acme/net',
    {
      license: 'MIT',
      description: 'Small nets.',
      homepage: 'https://acme.example/nets',
      tags: ['onnx'],
      authors: [{ name: 'acme' }],
      created: '2024-05-06T07:08:09Z',
    },
  ],
  [({ cdn }) => `${cdn}/net.onnx`, { license: 'unknown', updated: '2024-01-02T03:04:05.000Z' }],
  [() => './folder', { license: 'SEE LICENSE IN COPYING' }],
  [() => './net.onnx', { license: 'unknown' }],
];

test('the manifest holds what each hub states, and nothing that it does not', async (t) => {
  const home = makeHome(t, double);
  fs.mkdirSync(path.join(home.dir, 'folder'));
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), onnx);
  fs.writeFileSync(path.join(home.dir, 'folder/net.onnx'), onnx);
  fs.writeFileSync(path.join(home.dir, 'folder/COPYING'), 'Some licence');
  const seen = new Set<string>();
  for (const [index, [specOf, expected]] of table.entries()) {
    const spec = specOf(double);
    const asked = await home.axon('info', spec, '--json');
    assert.equal(asked.status, 0, `${spec}: ${asked.stdout}`);
    assert.equal(asked.json()['license'], expected.license, spec);
    const done = await home.axon('install', spec, '--as', `my/net@${index}`, '--json');
    assert.equal(done.status, 0, `${spec}: ${done.stdout}`);
    const file = path.join(home.models, 'my/net', String(index), 'manifest.yaml');
    const manifest = parseManifest(fs.readFileSync(file, 'utf8'));
    const { name: _name, namespace: _namespace, version: _version, ...stated } = manifest.metadata;
    const { description, homepage, ...others } = stated;
    const { description: about, homepage: page, ...rest } = expected;
    assert.deepEqual(others, rest, spec);
    // Of these two the hub's own words and address depend on where it is asked.
    if (about !== undefined) assert.equal(description, about, spec);
    if (page !== undefined) assert.equal(homepage, page, spec);
    seen.add(manifest.distribution?.source?.hub ?? '');
  }
  assert.deepEqual([...seen].sort(), hubs.map(({ names }) => names[0]).sort());
});

test('`axon info` shows it, installed or not', async (t) => {
  const home = makeHome(t, double);
  const says = /authors +org\n +task +fill-mask\n +library +transformers\n +tags +fill-mask, onnx/;
  assert.match((await home.axon('info', 'hf/org/net')).stdout, says);
  await home.axon('install', 'hf/org/net');
  const installed = await home.axon('info', 'hf/org/net');
  assert.match(installed.stdout, says);
  assert.match(installed.stdout, /path +\//);
});
