import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Params, Result } from '../../protocol/method-table.ts';
import { manifestFor } from '../../testing/conformance-daemon/upload-cases.ts';
import { RequestContext } from '../request-context.ts';
import { uploadOperations } from './uploads.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const weights = Buffer.alloc(3000, 'w');
const config = Buffer.from('{}');
const files = [
  { path: 'model.onnx', data: weights },
  { path: 'conf/config.json', data: config },
  { path: 'empty.txt', data: Buffer.alloc(0) },
];
const manifest = manifestFor(files);

/** The operations over a folder of their own; what they register is noted, and answered by `answer`. */
function setUp(t: TestContext, options: { maxBytes?: number; enabled?: boolean } = {}) {
  const dataFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlos-upload-'));
  t.after(() => fs.rmSync(dataFolder, { recursive: true, force: true }));
  const registered: Params<'models.register'>[] = [];
  const inUse: { path: string }[] = [];
  const world = { answer: () => ({ status: 'success' }) as unknown };
  const make = () =>
    uploadOperations({
      registry: { list: () => inUse as never },
      dataFolder,
      enabled: options.enabled ?? true,
      maxBytes: options.maxBytes ?? 10_000,
      trusted: null,
      maxBodyBytes: 1000,
      register: async (params) => {
        registered.push(params);
        return world.answer() as Result<'models.register'>;
      },
    });
  const models = path.join(dataFolder, 'models');
  const context = new RequestContext('http');
  return { make, models, registered, inUse, world, context };
}

type Ops = ReturnType<typeof uploadOperations>;
const context = new RequestContext('http');
const begin = async (ops: Ops, text = manifest, model_id = 'c/sent@1') =>
  ops['uploads.begin']({ model_id, manifest: text }, context);

/** Sends what is missing, in chunks as large as they may be; stops after `chunks`. */
async function send(ops: Ops, text = manifest, chunks = Number.POSITIVE_INFINITY): Promise<number> {
  const begun = await begin(ops, text);
  let sent = 0;
  for (const { sha256: wanted, size, received } of begun.missing) {
    const data = files.find((file) => sha256(file.data) === wanted)?.data ?? Buffer.alloc(0);
    for (let at = received; at < size && sent < chunks; sent++) {
      const piece = data.subarray(at, at + begun.chunk_bytes);
      const answer = await ops['uploads.put'](
        {
          ...{ upload_id: begun.upload_id, sha256: wanted, offset: at },
          ...{ chunk_sha256: sha256(piece), data: piece },
        },
        context,
      );
      at = answer.received;
    }
  }
  return sent;
}

const idOf = async (ops: Ops, text = manifest) => (await begin(ops, text)).upload_id;
const code = (wanted: string) => (error: unknown) =>
  error instanceof MlosError && error.code === wanted;

test('what arrived stays over a restart, and the whole is a package', async (t) => {
  const { make, models, registered } = setUp(t);
  assert.equal(await send(make(), manifest, 2), 2);
  const after = make();
  const begun = await begin(after);
  assert.equal(begun.chunk_bytes, 1000);
  assert.deepEqual(
    begun.missing.map(({ received, size }) => [received, size]),
    [
      [2000, 3000],
      [0, 2],
    ],
  );
  assert.equal(await send(after), 2);
  assert.deepEqual((await begin(after)).missing, []);
  await after['uploads.finish']({ upload_id: begun.upload_id, load: false }, context);
  const folder = path.join(fs.realpathSync(models), 'packages', begun.upload_id);
  assert.deepEqual(registered, [
    { model_id: 'c/sent@1', load: false, path: folder, manifest_path: `${folder}/manifest.yaml` },
  ]);
  for (const file of files)
    assert.deepEqual(fs.readFileSync(path.join(folder, file.path)), file.data);
  assert.equal(fs.readFileSync(path.join(folder, 'manifest.yaml'), 'utf8'), manifest);
  assert.deepEqual(fs.readdirSync(path.join(models, 'incoming')), []);
  assert.deepEqual(fs.readdirSync(path.join(models, 'parts')), []);
});

test('a signature comes with the package', async (t) => {
  const { make, models } = setUp(t);
  const ops = make();
  await send(ops);
  await ops['uploads.begin']({ model_id: 'c/sent@1', manifest, signature: 'signed' }, context);
  const upload_id = await idOf(ops);
  await ops['uploads.finish']({ upload_id }, context);
  const folder = path.join(models, 'packages', upload_id);
  assert.equal(fs.readFileSync(path.join(folder, 'manifest.yaml.sig'), 'utf8'), 'signed');
});

test('a content that is here under any name is not asked for', async (t) => {
  const { make } = setUp(t);
  const ops = make();
  await send(ops);
  const renamed = manifestFor(files.map((file) => ({ ...file, path: `other/${file.path}` })));
  assert.deepEqual((await begin(ops, renamed, 'c/other@2')).missing, []);
});

test('bytes that are wrong as a whole are dropped and asked for anew', async (t) => {
  const { make, models } = setUp(t);
  const ops = make();
  await send(ops, manifest, 2);
  // As a power cut may leave it.
  const part = path.join(models, 'parts', sha256(weights));
  fs.writeFileSync(part, Buffer.alloc(2000));
  await assert.rejects(send(ops), code('DATA_CORRUPTED'));
  assert.equal((await begin(ops)).missing[0]?.received, 0);
  await send(ops);
  assert.deepEqual((await begin(ops)).missing, []);
});

test('a blob that rots on the disk is sent again', async (t) => {
  const { make, models, world } = setUp(t);
  const ops = make();
  await send(ops);
  const blob = path.join(models, 'blobs', sha256(weights));
  fs.chmodSync(blob, 0o600);
  fs.writeFileSync(blob, Buffer.alloc(3000));
  world.answer = () => {
    throw new MlosError('DATA_CORRUPTED', 'the model has another sha256');
  };
  const upload_id = await idOf(ops);
  await assert.rejects(
    async () => ops['uploads.finish']({ upload_id }, context),
    code('DATA_CORRUPTED'),
  );
  assert.deepEqual(
    (await begin(ops)).missing.map((one) => one.sha256),
    [sha256(weights)],
  );
});

test('limits: size, number, switched off', async (t) => {
  const small = setUp(t, { maxBytes: 3001 }).make();
  await assert.rejects(begin(small), code('PAYLOAD_TOO_LARGE'));
  await assert.rejects(begin(setUp(t, { enabled: false }).make()), code('PERMISSION_DENIED'));
  const ops = setUp(t).make();
  for (let index = 0; index < limits.uploads; index++) await begin(ops, manifest, `c/m${index}@1`);
  await assert.rejects(begin(ops, manifest, 'c/more@1'), code('TOO_MANY_REQUESTS'));
  // One that is begun already is gone on with.
  await begin(ops, manifest, 'c/m0@1');
});

test('a disk with too little room is told before the first byte', async (t) => {
  const { make } = setUp(t, { maxBytes: Number.MAX_SAFE_INTEGER });
  const ops = make();
  const huge = manifest.replace('"size":3000', `"size":${2 ** 52}`);
  await assert.rejects(begin(ops, huge), code('STORAGE_FULL'));
  assert.equal((await ops['uploads.list']({}, context)).total, 0);
});

test('after a day what nobody uses is gone, and what a model uses is not', async (t) => {
  const { make, models, inUse } = setUp(t);
  const ops = make();
  await send(ops);
  const upload_id = await idOf(ops);
  await ops['uploads.finish']({ upload_id }, context);
  const folder = path.join(fs.realpathSync(models), 'packages', upload_id);
  const unfinished = manifestFor([{ path: 'model.onnx', data: Buffer.alloc(5000, 'u') }]);
  await begin(ops, unfinished);
  const age = () => {
    const old = new Date(Date.now() - limits.uploadExpiryMs - 1000);
    const names = fs.readdirSync(models, { recursive: true, encoding: 'utf8' });
    for (const name of names) fs.utimesSync(path.join(models, name), old, old);
  };
  inUse.push({ path: folder });
  age();
  await begin(ops, unfinished);
  assert.ok(fs.existsSync(path.join(folder, 'model.onnx')));
  assert.deepEqual(fs.readdirSync(path.join(models, 'blobs')).length, 3);
  inUse.pop();
  age();
  await begin(ops, unfinished, 'c/third@1');
  assert.equal((await ops['uploads.list']({}, context)).total, 1);
  assert.deepEqual(fs.readdirSync(path.join(models, 'packages')), []);
  assert.deepEqual(fs.readdirSync(path.join(models, 'blobs')), []);
});
