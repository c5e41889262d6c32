import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseDistribution } from './distributions.ts';
import { compareVersions, parsePythonVersion } from './python-version.ts';

test('versions are in the order of PEP 440', () => {
  const ordered = [
    '0.9',
    '1.0.dev1',
    '1.0a1.dev2',
    '1.0a1',
    '1.0b2',
    '1.0rc1',
    '1.0',
    '1.0+local.1',
    '1.0.post1.dev1',
    '1.0.post1',
    '1.0.1',
    '1.2',
    '1.10',
    '20231101',
    '1!0.1',
  ];
  const versions = ordered.map((text) => parsePythonVersion(text));
  for (const [index, version] of versions.entries()) {
    assert.ok(version !== null, ordered[index]);
    const next = versions[index + 1];
    if (next) assert.ok(compareVersions(version, next) < 0, `${version.text} < ${next.text}`);
  }
  const same = ['1.0', '1', '1.0.0', 'v1.0', '01.0'].map((text) => parsePythonVersion(text));
  for (const version of same)
    assert.ok(version && same[0] && compareVersions(version, same[0]) === 0);
  for (const bad of ['', 'latest', '1..0', '1.0-', '>=1', '1.0 ', 'a'.repeat(200)])
    assert.equal(parsePythonVersion(bad), null, bad);
});

const files = (...names: string[]) =>
  names.map((filename) => ({ filename, url: 'https://x/', sha256: null, size: 1, yanked: false }));
const chosen = (names: readonly string[], version = 'latest') =>
  chooseDistribution(files(...names), { name: 'my-net', version }, 'x64').file.filename;

test('a wheel for everything, then one for this machine, then the source', () => {
  const any = 'my_net-1.0-py3-none-any.whl';
  const here = 'my_net-1.0-cp312-abi3-manylinux_2_28_x86_64.whl';
  const older = 'my_net-1.0-cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl';
  const arm = 'my_net-1.0-cp312-abi3-manylinux_2_28_aarch64.whl';
  const source = 'my-net-1.0.tar.gz';
  const zip = 'my.net-1.0.zip';
  assert.equal(chosen([source, here, 'my_net-1.0-py2.py3-none-any.whl', any]), any);
  assert.equal(chosen([arm, older, here, source]), older);
  assert.equal(chosen([arm, zip, source]), source);
  assert.equal(chosen([arm, zip]), zip);
  assert.throws(() => chosen([arm]), /x86_64/);
  assert.equal(chosen(['my_net-1.0-1-py3-none-any.whl']), 'my_net-1.0-1-py3-none-any.whl');
});

test('the newest that is a release and not yanked, and a yanked one when it is named', () => {
  const names = ['my_net-1.9-py3-none-any.whl', 'my_net-1.10-py3-none-any.whl'];
  assert.equal(chosen([...names, 'my_net-2.0b1-py3-none-any.whl']), names[1]);
  assert.equal(chosen(['my_net-2.0b1-py3-none-any.whl']), 'my_net-2.0b1-py3-none-any.whl');
  const yanked = files(...names).map((file, index) => ({ ...file, yanked: index === 1 }));
  const choose = (version: string) =>
    chooseDistribution(yanked, { name: 'my-net', version }, 'x64').version;
  assert.equal(choose('latest'), '1.9');
  assert.equal(choose('1.10.0'), '1.10');
});
