import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import type { MlosError } from '../protocol/errors.ts';
import { parsePluginManifest, resolveCommand } from './plugin-manifest.ts';

const good = {
  apiVersion: 'mlos.io/smi/v1',
  kind: 'Plugin',
  name: 'onnx',
  version: '1.0.0',
  formats: ['onnx'],
  dtypes: ['float32'],
  command: ['node', 'main.js'],
};

test('a manifest with the keys that must be there', () => {
  assert.deepEqual(parsePluginManifest(stringify(good)), {
    name: 'onnx',
    version: '1.0.0',
    description: '',
    frameworks: [],
    formats: ['onnx'],
    dtypes: ['float32'],
    command: ['node', 'main.js'],
    concurrency: null,
  });
});

const bad: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [{ apiVersion: 'v2' }, /apiVersion: "v2" came; expected mlos\.io\/smi\/v1/],
  [{ kind: 'Model' }, /kind: "Model" came; expected Plugin/],
  [{ name: undefined }, /name: nothing came/],
  [{ name: '../x' }, /name: /],
  [{ version: 1 }, /version: 1 came; expected a version in quotes/],
  [{ formats: [] }, /formats: \[\] came/],
  [{ formats: 'onnx' }, /formats: "onnx" came/],
  [{ dtypes: ['float'] }, /dtypes: "float" came; expected a list of float32/],
  [{ command: [''] }, /command: /],
  [{ command: [1] }, /command: \[1\] came/],
  [{ concurrency: 0 }, /concurrency: 0 came; expected a whole number from 1 to 64/],
  [{ concurrency: 65 }, /concurrency: 65 came/],
  [{ comand: [] }, /"comand" is no key of plugin\.yaml\. Did you mean "command"/],
  [{ description: 'x'.repeat(2_001) }, /description: /],
];

for (const [change, message] of bad) {
  test(`refused: ${JSON.stringify(change).slice(0, 60)}`, () => {
    assert.throws(
      () => parsePluginManifest(stringify({ ...good, ...change })),
      (error: MlosError) => {
        assert.equal(error.code, 'INVALID_MANIFEST');
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('what is not a map, and YAML beyond the bounds, is refused', () => {
  for (const text of ['', '- a', 'a: &x 1', 'a: *x', `a: ${'x'.repeat(70_000)}`, 'a: !!js 1']) {
    assert.throws(() => parsePluginManifest(text), { code: 'INVALID_MANIFEST' });
  }
});

test('commands: node is this Node, files of the folder become absolute, the rest stays', () => {
  const folder = import.meta.dirname;
  const resolved = resolveCommand(
    ['node', '--no-warnings', '../main.js', 'plugin-manifest.js', '/bin/true', 'word'],
    folder,
  );
  assert.deepEqual(resolved, [
    process.execPath,
    '--no-warnings',
    join(folder, '../main.js'),
    join(folder, 'plugin-manifest.js'),
    '/bin/true',
    'word',
  ]);
  assert.deepEqual(resolveCommand(['python3', 'x.py'], folder), ['python3', 'x.py']);
});
