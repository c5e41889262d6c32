import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { NameGuard } from '../../axon/package/names.ts';
import { readZip } from '../../axon/package/zip-entries.ts';
import { Output } from '../../axon/render/output.ts';
import { noProgress } from '../../axon/render/progress.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeZip } from '../hub-double/zip.ts';
import { makeHome } from './run-axon.ts';

/** A server whose file becomes another one after so many answers; each answer but a whole one is cut. */
async function changing(versions: readonly Buffer[], cuts: number) {
  let answers = 0;
  const server = http.createServer((request, response) => {
    const at = Math.min(answers, versions.length - 1);
    const body = versions[at] as Buffer;
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const isProbe = request.headers.range === 'bytes=0-0';
    const end = isProbe ? 1 : body.length;
    response.writeHead(request.headers.range === undefined ? 200 : 206, {
      'content-type': 'application/octet-stream',
      'content-length': end - start,
      etag: `"v${at}"`,
      ...(request.headers.range === undefined
        ? {}
        : { 'content-range': `bytes ${start}-${end - 1}/${body.length}` }),
    });
    if (!isProbe) answers += 1;
    if (isProbe || answers > cuts) response.end(body.subarray(start, end));
    else
      response.write(body.subarray(start, start + 20), () =>
        setTimeout(() => response.destroy(), 20),
      );
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/m.onnx` };
}

test('a file that changes on the way is begun again, never joined from two', async (context) => {
  const [old, fresh] = [Buffer.alloc(tinyOnnx().length, 1), tinyOnnx()];
  const { server, url } = await changing([old, fresh], 1);
  context.after(() => server.close());
  const home = makeHome(context);
  const { status, stderr } = await home.axon('install', url, '--as', 'x/y@1');
  assert.equal(status, 0, stderr);
  assert.deepEqual(fs.readFileSync(path.join(home.models, 'x/y/1/m.onnx')), fresh);
});

test('one that keeps changing is an error with a name', async (context) => {
  const versions = Array.from({ length: 20 }, (_, at) => Buffer.alloc(200, at));
  const { server, url } = await changing(versions, 100);
  context.after(() => server.close());
  const home = makeHome(context);
  await home.axon('config', 'set', 'download.max_retries', '20');
  const { status, stderr } = await home.axon('install', url, '--as', 'x/y@1');
  assert.equal(status, 9, stderr);
  assert.match(stderr, /keeps changing/);
  assert.deepEqual(home.installed(), []);
});

test('folders that differ in case, sharp s, and names of axon itself are refused', () => {
  for (const names of [['d/a', 'D/b'], ['ß.onnx', 'ẞ.onnx'], ['manifest.yaml/x.onnx']])
    assert.throws(
      () => {
        const guard = new NameGuard('test');
        for (const name of names) guard.add(name, 1);
      },
      { code: 'UNSAFE_PACKAGE' },
      names.join(),
    );
});

test('zip entries that are more than a file are refused', async (context) => {
  const home = makeHome(context);
  const file = path.join(home.dir, 'x.zip');
  const data = Buffer.from('x');
  for (const entries of [
    [{ name: 'a', mode: 0o104755, data }],
    [{ name: 'a', mode: 0o102644, data }],
    [{ name: 'a', mode: 0o101644, data }],
    [{ name: 'a/', mode: 0o120777, data }],
    [{ name: 'a/', mode: 0o040755, data }],
    [{ name: 'a', mode: 0o040755 }],
    [
      { name: 'a', data },
      { name: 'a/', mode: 0o040755 },
    ],
  ]) {
    fs.writeFileSync(file, makeZip(entries));
    const read = readZip(file, 'x.zip', async () => undefined, new AbortController().signal);
    await assert.rejects(read, { code: 'UNSAFE_PACKAGE' }, JSON.stringify(entries));
  }
});

test('--all takes several models and says which is run', async (context) => {
  const home = makeHome(context);
  fs.mkdirSync(path.join(home.dir, 'two'));
  for (const name of ['a.onnx', 'b.onnx'])
    fs.writeFileSync(path.join(home.dir, 'two', name), tinyOnnx());
  const { status, stderr } = await home.axon('install', './two', '--all', '--as', 'x/y@1');
  assert.equal(status, 0, stderr);
  const { stdout } = await home.axon('info', 'x/y@1');
  assert.match(stdout, /of 2 models a\.onnx is run/);
});

test('a terminal gets no escape of a stranger, only our own', () => {
  let written = '';
  const stream = {
    isTTY: true,
    write: (text: string) => {
      written += text;
    },
  } as unknown as NodeJS.WriteStream;
  const output = new Output({
    json: false,
    quiet: false,
    env: {},
    stdout: stream,
    stderr: stream,
    progress: noProgress,
  });
  const evil = '\u001b]0;x\u0007\u001b[31m\u009b1m\u202e';
  output.result({}, [`${output.paint('bold', `name${evil}`)} ${evil}`]);
  for (const part of ['\u0007', '\u009b', '\u202e']) assert.ok(!written.includes(part));
  assert.equal(written.split('\u001b').length - 1, 2);
});

test('what lost its metadata is replaced by an install, and uninstall leaves nothing', async (context) => {
  const home = makeHome(context);
  fs.writeFileSync(path.join(home.dir, 'm.onnx'), tinyOnnx());
  const dir = path.join(home.models, 'x/y/1');
  assert.equal((await home.axon('install', './m.onnx', '--as', 'x/y@1')).status, 0);
  fs.rmSync(path.join(dir, '.axon_metadata.json'));
  const again = await home.axon('install', './m.onnx', '--as', 'x/y@1');
  assert.equal(again.status, 0, again.stderr);
  assert.equal((await home.axon('verify', 'x/y@1')).status, 0);
  assert.equal((await home.axon('uninstall', 'x/y@1')).status, 0);
  assert.deepEqual(home.installed(), []);
  assert.deepEqual(fs.readdirSync(path.join(home.dir, 'cache/staging')), []);
});
