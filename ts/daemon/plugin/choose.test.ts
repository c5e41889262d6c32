import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MlosError } from '../../protocol/errors.ts';
import { choosePlugin, compareVersions } from './choose.ts';
import type { PluginDescriptor } from './descriptor.ts';

function plugin(name: string, version: string, formats: string[]): PluginDescriptor {
  const facts = { description: '', frameworks: [], dtypes: [], command: [], folder: '/' };
  return { id: `${name}@${version}`, name, version, formats, ...facts };
}

const plugins = [
  plugin('onnx', '1.9.0', ['onnx']),
  plugin('onnx', '1.10.0', ['onnx', 'ort']),
  plugin('gguf', '1.0.0', ['gguf']),
];

test('the newest plugin that runs the format, and why', () => {
  const { descriptor, reason } = choosePlugin(plugins, 'ONNX');
  assert.equal(descriptor.id, 'onnx@1.10.0');
  assert.equal(reason, 'onnx@1.10.0 is the newest plugin that runs onnx (others: onnx@1.9.0).');
  assert.equal(
    choosePlugin(plugins, 'gguf').reason,
    'gguf@1.0.0 is the only plugin that runs gguf.',
  );
});

test('the one asked for, by id or by name', () => {
  assert.equal(choosePlugin(plugins, 'onnx', 'onnx@1.9.0').descriptor.id, 'onnx@1.9.0');
  assert.equal(choosePlugin(plugins, 'onnx', 'onnx').descriptor.id, 'onnx@1.10.0');
  assert.throws(() => choosePlugin(plugins, 'onnx', 'onx'), { code: 'PLUGIN_NOT_FOUND' });
  assert.throws(() => choosePlugin(plugins, 'onnx', 'gguf'), {
    code: 'NO_PLUGIN_FOR_FORMAT',
    message: /Plugin gguf@1\.0\.0 does not run .*"onnx".*Formats there are: gguf/,
  });
});

test('no plugin: the formats there are', () => {
  assert.throws(
    () => choosePlugin(plugins, 'onxn'),
    (error: MlosError) => {
      assert.equal(error.code, 'NO_PLUGIN_FOR_FORMAT');
      assert.match(error.message, /Did you mean "onnx"\? Formats there are: gguf, onnx, ort\./);
      return true;
    },
  );
  assert.throws(() => choosePlugin([], 'onnx'), /Formats there are: none/);
});

test('order of versions', () => {
  const sorted = ['1.0.0-alpha', '1.0.0-beta', '1.0.0', '1.2', '1.10.0', '2.0.0-rc.1', '2.0.0'];
  assert.deepEqual([...sorted].reverse().sort(compareVersions), sorted);
  assert.equal(compareVersions('1.0.0+build', '1.0.0'), 0);
});
