import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ModelRecord } from './model-record.ts';
import { ModelRegistry } from './model-registry.ts';
import { RecordStore } from './record-store.ts';
import { checkStoreFile } from './store-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'mlos-registry-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function record(id: string, description = 'd', ordinal = 1): ModelRecord {
  return {
    id,
    name: id,
    ordinal,
    pluginId: 'onnx@1.0.0',
    pluginChoice: 'the only one',
    framework: null,
    executionFormat: 'onnx',
    path: '/m',
    file: 'model.onnx',
    digest: '0'.repeat(64),
    description,
    manifestPath: null,
    isolation: 'plugin',
    engine: {},
    signature: null,
    failure: null,
    registeredAt: '2026-01-01T00:00:00.000Z',
  };
}

test('what was put is there after a restart', async () => {
  const place = join(folder, 'a');
  let store = RecordStore.open(place);
  const registry = new ModelRegistry(store, { maxModels: 10 });
  registry.put(record('hf/a/b@latest'));
  registry.put(record('hf/c@1'));
  registry.remove('hf/c@1');
  await store.close();
  store = RecordStore.open(place);
  const again = new ModelRegistry(store, { maxModels: 10 });
  assert.deepEqual(again.list(), [record('hf/a/b@latest')]);
  await store.close();
});

test('three spellings of an id, and the nearest one for a typo', async () => {
  const store = RecordStore.open(join(folder, 'b'));
  const registry = new ModelRegistry(store, { maxModels: 10 });
  registry.put(record('hf/bert-base@latest'));
  for (const text of [
    'hf/bert-base@latest',
    'hf/bert-base',
    'hf-bert-base@latest',
    'hf-bert-base',
  ]) {
    assert.equal(registry.resolve(text).id, 'hf/bert-base@latest');
  }
  assert.throws(() => registry.resolve('hf/bert-bass@latest'), {
    code: 'MODEL_NOT_FOUND',
    message: /Did you mean "hf\/bert-base@latest"/,
  });
  registry.put(record('hf-bert/base@latest'));
  assert.throws(() => registry.resolve('hf-bert-base@latest'), { code: 'INVALID_MODEL_ID' });
  assert.equal(registry.resolve('hf-bert/base').id, 'hf-bert/base@latest');
  await store.close();
});

test('models: the limit is served, one past it is refused', async () => {
  const store = RecordStore.open(join(folder, 'c'));
  const registry = new ModelRegistry(store, { maxModels: 1 });
  registry.put(record('a/b@1'));
  registry.put(record('a/b@1', 'changed'));
  assert.throws(() => registry.put(record('a/c@1')), { code: 'TOO_MANY_REQUESTS' });
  await store.close();
});

test('a flipped bit is reported and the record is not served', async () => {
  const place = join(folder, 'd');
  let store = RecordStore.open(place);
  new ModelRegistry(store, { maxModels: 10 }).put(record('a/b@1', 'the needle'));
  await store.close();
  const file = join(place, 'registry', 'data.mdb');
  const bytes = readFileSync(file);
  let hits = 0;
  for (let at = bytes.indexOf('the needle'); at >= 0; at = bytes.indexOf('the needle', at + 1)) {
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    hits += 1;
  }
  assert.ok(hits > 0, 'the record lies in the file as written');
  writeFileSync(file, bytes);
  store = RecordStore.open(place);
  const registry = new ModelRegistry(store, { maxModels: 10 });
  assert.deepEqual(registry.corrupted, ['model/a/b@1']);
  assert.equal(registry.size, 0);
  await store.close();
});

test('a file that is no registry, or was cut short, is refused and does not end the process', async () => {
  const place = join(folder, 'e');
  const store = RecordStore.open(place);
  const registry = new ModelRegistry(store, { maxModels: 1_000 });
  for (let i = 0; i < 300; i++) registry.put(record(`a/m${i}@1`, 'x'.repeat(500)));
  await store.close();
  await checkStoreFile(place);
  await checkStoreFile(join(folder, 'nothing here'));
  const file = join(place, 'registry', 'data.mdb');
  const whole = readFileSync(file);
  for (const bytes of [
    Buffer.from('garbage\n'),
    Buffer.alloc(65_536, 7),
    whole.subarray(0, 100),
    whole.subarray(0, 8_192),
  ]) {
    writeFileSync(file, bytes);
    await assert.rejects(checkStoreFile(place), { code: 'DATA_CORRUPTED', message: /data\.mdb/ });
  }
  writeFileSync(file, Buffer.alloc(0));
  await checkStoreFile(place);
});

test('a full disk is a named error, nothing is lost, and the process lives', async (t) => {
  const place = join(folder, 'full');
  mkdirSync(place);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place]);
  if (mounted.status !== 0) return t.skip('needs the right to mount a small file system');
  try {
    const store = RecordStore.open(place);
    const registry = new ModelRegistry(store, { maxModels: 10_000 });
    const acknowledged: string[] = [];
    let refusal: unknown = null;
    for (let i = 0; i < 1_000 && refusal === null; i++) {
      try {
        registry.put(record(`a/m${i}@1`, 'x'.repeat(2_000)));
        acknowledged.push(`a/m${i}@1`);
      } catch (error) {
        refusal = error;
      }
    }
    assert.equal((refusal as { code?: string } | null)?.code, 'STORAGE_FULL');
    assert.ok(acknowledged.length > 10);
    // Room again: writes work again.
    spawnSync('mount', ['-o', 'remount,size=4m', place]);
    registry.put(record('a/after@1'));
    await store.close();
    const again = RecordStore.open(place);
    const found = new ModelRegistry(again, { maxModels: 10_000 });
    for (const id of [...acknowledged, 'a/after@1']) assert.ok(found.find(id), id);
    await again.close();
  } finally {
    spawnSync('umount', ['-l', place]);
  }
});

test('ordinals count up, over restarts too, and none comes again', async () => {
  const place = join(folder, 'ordinals');
  let store = RecordStore.open(place);
  const open = () => new ModelRegistry(store, { maxModels: 10 });
  const add = (registry: ModelRegistry, id: string, digest: string) => {
    const ordinal = registry.ordinalFor(id, digest);
    registry.put({ ...record(id), digest, ordinal });
    return ordinal;
  };
  let registry = open();
  assert.equal(add(registry, 'hf/a@x', '1'), 1);
  assert.equal(add(registry, 'hf/a@y', '2'), 2);
  assert.equal(add(registry, 'hf/b@x', '1'), 1);
  assert.equal(add(registry, 'hf/a@x', '1'), 1, 'the same content keeps its own');
  assert.equal(add(registry, 'hf/a@x', '3'), 3, 'other content gets the next');
  assert.equal(registry.resolveOrdinal('hf/a', 0).id, 'hf/a@x');
  assert.equal(registry.resolveOrdinal('hf/a', 2).id, 'hf/a@y');
  assert.equal(registry.resolveOrdinal('hf/a@y', 0).ordinal, 2);
  for (const [name, ordinal] of [
    ['hf/a', 1],
    ['hf/a', 4],
    ['hf/a@y', 3],
    ['hf/c', 0],
  ] as const) {
    assert.throws(() => registry.resolveOrdinal(name, ordinal), { code: 'MODEL_NOT_FOUND' });
  }
  registry.remove('hf/a@x');
  assert.equal(registry.resolveOrdinal('hf/a', 0).ordinal, 2);
  await store.close();
  store = RecordStore.open(place);
  registry = open();
  assert.equal(add(registry, 'hf/a@z', '3'), 4);
  registry.remove('hf/b@x');
  assert.equal(add(registry, 'hf/b@x', '1'), 2);
  await store.close();
});

test('records of before there were ordinals get them, the oldest first, for good', async () => {
  const place = join(folder, 'no-ordinals');
  let store = RecordStore.open(place);
  for (const [version, registeredAt] of [
    ['a', '2026-02-01T00:00:00.000Z'],
    ['b', '2026-01-01T00:00:00.000Z'],
  ] as const) {
    const { ordinal: _, ...old } = record(`hf/m@${version}`);
    store.put(`model/${old.id}`, { ...old, registeredAt });
  }
  const ordinals = () =>
    new ModelRegistry(store, { maxModels: 10 }).list().map(({ id, ordinal }) => [id, ordinal]);
  const expected = [
    ['hf/m@a', 2],
    ['hf/m@b', 1],
  ];
  assert.deepEqual(ordinals(), expected);
  await store.close();
  store = RecordStore.open(place);
  assert.deepEqual(ordinals(), expected);
  await store.close();
});
