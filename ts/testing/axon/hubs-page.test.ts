import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { AxonError } from '../../axon/axon-error.ts';
import { hubs } from '../../axon/hubs/registry.ts';
import { read } from '../house/tree.ts';
import { sha256 } from '../hub-double/hashes.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';
import { shelfHub } from './shelf-hub.ts';
import { testContext } from './test-context.ts';

/*
 * docs/hubs.md explains how a hub is added, by an example. Its code is the file that is run here.
 */
const page = read('docs/hubs.md');

test('the example on the page is the one that is compiled and run', () => {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  assert.equal(code, read('ts/testing/axon/shelf-hub.ts'));
});

test('the page names every hub that there is', () => {
  for (const { names } of hubs) assert.ok(page.includes(`\`${names[0]}/\``), names[0]);
});

async function serveShelf(t: TestContext, files: Readonly<Record<string, Buffer>>) {
  const server = http.createServer((request, response) => {
    const data = files[request.url ?? ''];
    response.writeHead(data === undefined ? 404 : 200, { 'content-length': data?.length ?? 0 });
    response.end(data);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the example brings a model, refuses other bytes, and names what is missing', async (t) => {
  const { dir } = makeHome(t);
  const model = tinyOnnx();
  const list = (hash: string) => {
    const files = [{ path: 'a b/net.onnx', size: model.length, sha256: hash }];
    return Buffer.from(JSON.stringify({ revision: 'r7', license: 'MIT', files }));
  };
  const endpoint = await serveShelf(t, {
    '/net/1.json': list(sha256(model)),
    '/net/2.json': list('0'.repeat(64)),
    '/net/3.json': Buffer.from('{}'),
    '/net/a%20b/net.onnx': model,
  });
  const context = await testContext(dir, { AXON_SHELF_ENDPOINT: endpoint });
  const open = (text: string) => shelfHub.parse(text, context).resolve(context);
  const source = await open('net@1');
  assert.ok(source.kind === 'files');
  assert.equal(source.pin.revision, 'r7');
  assert.deepEqual(source.describe(), { license: 'MIT' });
  const into = path.join(dir, 'into');
  const [file] = await source.fetch(await source.plan(dir), into, dir);
  assert.equal(file?.verified_by, 'sha256');
  assert.deepEqual(fs.readFileSync(path.join(into, 'a b/net.onnx')), model);

  const code = (expected: string) => (error: unknown) =>
    error instanceof AxonError && error.code === expected;
  const wrong = await open('net@2');
  assert.ok(wrong.kind === 'files');
  const planned = await wrong.plan(dir);
  await assert.rejects(
    wrong.fetch(planned, path.join(dir, 'other'), dir),
    code('CHECKSUM_MISMATCH'),
  );
  await assert.rejects(open('net@3'), code('BAD_RESPONSE'));
  await assert.rejects(open('net@4'), code('NOT_FOUND'));
  assert.throws(() => shelfHub.parse('../net', context), code('INVALID_SPEC'));
});
