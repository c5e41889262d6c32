import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PluginDescriptor } from './descriptor.ts';
import { requirePackages } from './plugin-packages.ts';
import { meets } from './version-requirement.ts';

test('versions: what npm and pip mean by their operators', () => {
  for (const [version, requirement, met] of [
    ['1.2.3', '', true],
    ['1.2.3', '*', true],
    ['1.2.3', '1.2.3', true],
    ['1.2.3', '==1.2.4', false],
    ['1.10.0', '>=1.9', true],
    ['2.0.0', '>=1, <2', false],
    ['1.9.9', '>= 1 < 2', true],
    ['1.3.0', '^1.2', true],
    ['2.0.0', '^1.2', false],
    ['0.2.9', '^0.2.3', true],
    ['0.3.0', '^0.2.3', false],
    ['1.2.9', '~1.2.3', true],
    ['1.3.0', '~1.2.3', false],
    ['1.4.9', '~=1.4.2', true],
    ['1.5.0', '~=1.4.2', false],
    ['1.9.0', '~=1.4', true],
    ['1.2.3', '!=1.2.3', false],
    ['1.2.3', 'latest', null],
    ['1.2.3', '>=1; rm', null],
  ] as const)
    assert.equal(meets(version, requirement), met, `${version} ${requirement}`);
});

function plugin(folder: string, command: readonly string[]): PluginDescriptor {
  return {
    id: 'p@1',
    name: 'p',
    version: '1',
    description: '',
    frameworks: [],
    formats: ['x'],
    dtypes: [],
    command,
    folder,
  };
}

test('what a Node plugin lacks is named with the command that brings it', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'mlos-packages-'));
  t.after(() => rmSync(root, { recursive: true }));
  const folder = join(root, 'plugins/p');
  mkdirSync(folder, { recursive: true });
  for (const [at, name, version] of [
    [root, 'above', '1.0.0'],
    [folder, '@scope/own', '2.5.0'],
  ] as const) {
    mkdirSync(join(at, 'node_modules', name), { recursive: true });
    writeFileSync(join(at, 'node_modules', name, 'package.json'), JSON.stringify({ version }));
  }
  const node = plugin(folder, [process.execPath, 'main.js']);
  await requirePackages(node, [{ name: 'above', version: '^1.0' }, { name: '@scope/own' }]);
  await assert.rejects(
    requirePackages(node, [{ name: 'above', version: '>=2' }, { name: 'none' }]),
    {
      code: 'MISSING_DEPENDENCY',
      message: `Plugin p@1 lacks what the model needs: above >=2 (1.0.0 is there), none. Run: npm install --prefix ${folder} 'above@>=2' 'none@latest'`,
    },
  );
  for (const wanted of [{ name: '../x' }, { name: "a'b" }, { name: 'above', version: '; rm' }])
    await assert.rejects(requirePackages(node, [wanted]), { code: 'INVALID_MANIFEST' });
  // Of a program that is neither nothing is known.
  await requirePackages(plugin(folder, ['/usr/bin/true']), [{ name: 'none' }]);
});

test('a Python plugin is asked through its own interpreter', async (t) => {
  try {
    execFileSync('python3', ['-c', 'import importlib.metadata'], { stdio: 'ignore' });
  } catch {
    return t.skip('there is no python3');
  }
  const folder = mkdtempSync(join(tmpdir(), 'mlos-packages-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const info = join(folder, 'own_package-1.4.0.dist-info');
  mkdirSync(info);
  writeFileSync(
    join(info, 'METADATA'),
    'Metadata-Version: 2.1\nName: own-package\nVersion: 1.4.0\n',
  );
  const python = plugin(folder, ['python3', 'main.py']);
  await requirePackages(python, [{ name: 'own-package', version: '~=1.4' }]);
  await assert.rejects(
    requirePackages(python, [{ name: 'own-package', version: '1.5.0' }, { name: 'no-such-one' }]),
    {
      code: 'MISSING_DEPENDENCY',
      message: /Run: python3 -m pip install 'own-package==1\.5\.0' 'no-such-one'$/,
    },
  );
});
