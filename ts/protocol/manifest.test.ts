import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MlosError } from './errors.ts';
import { limits } from './limits.ts';
import { formatManifest, isPackagePath, type Manifest, parseManifest } from './manifest.ts';
import { manifestJsonSchema } from './manifest-schema.ts';

const file = {
  path: 'model.onnx',
  size: 4,
  sha256: 'a'.repeat(64),
  verified_by: 'sha256' as const,
};
const sample: Manifest = {
  apiVersion: 'axon.mlos.io/v1',
  kind: 'Model',
  metadata: { name: 'org/net', namespace: 'hf', version: 'latest', license: 'unknown' },
  spec: {
    framework: { name: 'onnx' },
    format: {
      type: 'onnx',
      execution_format: 'onnx',
      files: [file],
      execution_files: [{ path: 'model.onnx', format: 'onnx', type: 'single' }],
    },
    io: {
      inputs: [{ name: 'x', dtype: 'float32', shape: [-1, 3], dims: ['batch', 3] }],
      outputs: [],
    },
  },
};

function refused(text: string, pattern: RegExp): void {
  assert.throws(
    () => parseManifest(text),
    (error) =>
      error instanceof MlosError &&
      error.code === 'INVALID_MANIFEST' &&
      pattern.test(error.message),
  );
}

test('what is written is read again, and is the same text each time', () => {
  const text = formatManifest(sample);
  assert.deepEqual(parseManifest(text), sample);
  assert.equal(formatManifest(parseManifest(text)), text);
});

test('the manifest of ten thousand files is JSON, which is read within its bounds', () => {
  const files = Array.from({ length: limits.packageFiles }, (_, i) => ({
    ...file,
    path: `weights/part-${i}.bin`,
  }));
  const format = { ...sample.spec.format, files: [file, ...files.slice(1)] };
  const text = formatManifest({ ...sample, spec: { ...sample.spec, format } });
  assert.equal(parseManifest(text).spec.format.files.length, limits.packageFiles);
  assert.ok(Buffer.byteLength(text) < limits.manifestBytes);
  refused(`{"a":${'['.repeat(30)}${']'.repeat(30)}}`, /deeper/);
  refused(`{"a":${'['.repeat(100_000)}`, /not JSON/);
  const many = Array.from({ length: limits.manifestKeys + 1 }, (_, i) => [`k${i}`, 0]);
  refused(JSON.stringify(Object.fromEntries(many)), /keys/);
});

test('a name that is no model id is refused wherever it stands', () => {
  const wrong = [
    { namespace: '..' },
    { name: '../../x' },
    { name: 'a//b' },
    { name: '/etc' },
    { version: '..' },
    { version: 'a/b' },
    { namespace: 'a/b' },
    { name: 'a\u0000b' },
  ];
  for (const part of wrong) {
    const metadata = { ...sample.metadata, ...part };
    refused(JSON.stringify({ ...sample, metadata }), /metadata/);
  }
});

test('apiVersion v1 and unknown fields are accepted, others are named', () => {
  parseManifest(JSON.stringify({ ...sample, apiVersion: 'v1', extra: { a: 1 } }));
  refused(JSON.stringify({ ...sample, apiVersion: 'v2' }), /apiVersion/);
  refused(
    JSON.stringify({ ...sample, metadata: { name: 'a', version: 'b' } }),
    /metadata.*namespace/,
  );
  refused('', /the document/);
});

test('YAML that no manifest needs is refused before it costs anything', () => {
  refused('a: &x 1\nb: *x\n', /anchors and aliases/);
  refused('a: !!js 1\n', /tags/);
  refused('? a\n: b\n', /not allowed/);
  refused('%YAML 1.2\n---\na: 1\n', /not allowed/);
  refused('['.repeat(20_000), /deeper/);
  refused('- '.repeat(20_000), /deeper/);
  refused(Array.from({ length: 200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), /deeper/);
  const keys = Array.from({ length: limits.manifestYamlKeys + 1 }, (_, i) => `k${i}: 1`);
  refused(keys.join('\n'), /keys/);
  refused(`a: ${'x'.repeat(limits.manifestYamlBytes)}`, /bytes/);
  refused(`{"a":"${'x'.repeat(limits.manifestBytes)}"}`, /bytes/);
  refused('a: 1\na: 2\n', /not YAML/);
  refused('a: 1\n---\nb: 2\n', /not YAML/);
  const text = formatManifest(sample);
  parseManifest(`${text}#${'x'.repeat(limits.manifestYamlBytes - Buffer.byteLength(text) - 1)}`);
});

test('a file name can never leave the package', () => {
  for (const bad of [
    '',
    '/etc/passwd',
    '../a',
    'a/../b',
    'a//b',
    './a',
    'a\\b',
    'C:a',
    'a\0b',
    'a/',
  ])
    assert.equal(isPackagePath(bad), false, JSON.stringify(bad));
  for (const bad of ['\ud800.onnx', 'a\u009bm', 'a\u202eb', 'a\u200bb', 'a\u2028b'])
    assert.equal(isPackagePath(bad), false, JSON.stringify(bad));
  for (const good of ['a', 'a/b.c', 'nested dir/a#b+c %25.txt', '..a', 'é'])
    assert.equal(isPackagePath(good), true, good);
  const withFiles = (paths: string[]) =>
    JSON.stringify({
      ...sample,
      spec: {
        ...sample.spec,
        format: { ...sample.spec.format, files: paths.map((path) => ({ ...file, path })) },
      },
    });
  refused(withFiles(['model.onnx', '../x']), /inside the package/);
  refused(withFiles(['model.onnx', 'MODEL.onnx']), /collide/);
  refused(withFiles(['model.onnx', 'e\u0301', '\u00e9']), /collide/);
  refused(withFiles(['other.onnx']), /not among the files/);
});

test('the JSON Schema is a document of its own', () => {
  const schema = JSON.parse(manifestJsonSchema()) as { required: string[] };
  assert.deepEqual(schema.required, ['apiVersion', 'kind', 'metadata', 'spec']);
});
