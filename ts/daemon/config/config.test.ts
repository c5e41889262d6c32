import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'mlos-config-'));
after(() => rmSync(folder, { recursive: true }));

function yaml(text: string): string {
  const file = join(folder, 'c.yaml');
  writeFileSync(file, text);
  return file;
}

const input = { environment: {}, workingDirectory: folder };

test('flags over environment over file over defaults, each with its source', async () => {
  const config = await loadConfig({
    ...input,
    file: yaml('api:\n  http:\n    port: 1\n    host: 10.0.0.1\n  ipc:\n    mode: "0660"\n'),
    environment: { MLOS_API_HTTP_PORT: '2', MLOS_API_HTTP_HOST: '10.0.0.2' },
    flags: { 'api.http.port': '3' },
  });
  const sources = Object.fromEntries(config.entries().map((entry) => [entry.name, entry.source]));
  assert.equal(config.get('api.http.port'), 3);
  assert.equal(config.get('api.http.host'), '10.0.0.2');
  assert.equal(config.get('api.ipc.mode'), '0660');
  assert.equal(config.get('core.max_models'), 1024);
  assert.equal(sources['api.http.port'], 'flag');
  assert.equal(sources['api.http.host'], 'environment');
  assert.equal(sources['api.ipc.mode'], 'file');
  assert.equal(sources['core.max_models'], 'default');
});

test("the documents' own file is read", async () => {
  const config = await loadConfig({
    ...input,
    file: yaml(
      'api:\n  http:\n    enabled: true\n    port: 8080\n  grpc:\n    enabled: true\n    port: 8081\n' +
        '  ipc:\n    enabled: true\n    socket_path: "/tmp/mlos.sock"\n',
    ),
  });
  assert.equal(config.get('api.ipc.socket_path'), '/tmp/mlos.sock');
  assert.equal(config.get('api.grpc.port'), 8081);
});

test('CPU numbers: ranges, lists, texts', async () => {
  for (const [value, cpus] of [
    ['3, 0-2', [0, 1, 2, 3]],
    [
      [5, '1-1'],
      [1, 5],
    ],
    ['', []],
  ] as const) {
    const flags = { 'cpu.reserved_cores': value };
    assert.deepEqual((await loadConfig({ ...input, flags })).get('cpu.reserved_cores'), cpus);
  }
  for (const value of ['2-1', 'a', '4096', '-1', '1.5', '0x1']) {
    const flags = { 'cpu.reserved_cores': value };
    await assert.rejects(loadConfig({ ...input, flags }), { message: /CPU numbers such as/ });
  }
});

test('an unknown key is an error that names the nearest one', async () => {
  await assert.rejects(loadConfig({ ...input, file: yaml('api:\n  http:\n    prot: 1\n') }), {
    code: 'INVALID_ARGUMENT',
    message: /unknown setting "api.http.prot".*"api.http.port"/,
  });
  await assert.rejects(loadConfig({ ...input, flags: { 'api.htp.port': '1' } }), {
    message: /"api.http.port"/,
  });
});

test('a value of the wrong type names the key, what came and what would be right', async () => {
  for (const [name, value, pattern] of [
    ['api.http.port', '70000', /api\.http\.port is "70000".*integer from 0 to 65535/],
    ['api.http.port', 'eighty', /integer/],
    ['api.http.enabled', 'perhaps', /true or false/],
    ['logging.level', 'loud', /one of trace, debug/],
  ] as const) {
    await assert.rejects(loadConfig({ ...input, flags: { [name]: value } }), { message: pattern });
  }
});

test('a hostile file is refused, not expanded', async () => {
  for (const text of ['a: &x [1]\nb: *x\n', '['.repeat(50_000), '- 1\n', 'a: !!js/function x\n']) {
    await assert.rejects(loadConfig({ ...input, file: yaml(text) }), { code: 'INVALID_ARGUMENT' });
  }
});

test('relative paths and ~ are resolved', async () => {
  const config = await loadConfig({ ...input, flags: { 'core.data_dir': 'data' } });
  assert.equal(config.get('core.data_dir'), join(folder, 'data'));
  const home = await loadConfig({ ...input, flags: { 'core.data_dir': '~/x' } });
  assert.ok(!home.get('core.data_dir').includes('~'));
});
