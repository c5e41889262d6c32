import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { startWebProxy } from '../hub-double/web-proxy.ts';
import { orSkip } from '../programs/skip.ts';
import { makeHome } from './run-axon.ts';

/* Hosts whose names only a proxy knows: what is installed from them came through it. */
const model = tinyOnnx();
const pinned = `#sha256=${sha256(model)}`;

let double: HubDouble;
let port: string;
before(async () => {
  double = await startHubDouble({ files: { 'net.onnx': model } });
  ({ port } = new URL(double.cdn));
});
after(() => double.close());

test('an http address is asked of the proxy, with the password of the proxy', async (t) => {
  const home = makeHome(t);
  const { address, asked } = await startWebProxy(t, 'me:secret');
  const source = `http://models.test:${port}/net.onnx`;
  const env = { HTTP_PROXY: `http://me:secret@${address}` };
  const done = await home.axonWith(env, 'install', source + pinned, '--as', 'my/net@1');
  assert.equal(done.status, 0, done.stderr);
  assert.ok(asked.includes(`GET ${source}`), asked.join());
  assert.ok(double.seen.every(({ headers }) => headers['proxy-authorization'] === undefined));

  const wrong = { HTTP_PROXY: `http://me:wrong@${address}` };
  const refused = await home.axonWith(wrong, 'install', source, '--as', 'my/other@1');
  assert.equal(refused.status, 6, refused.stderr);
  assert.match(
    refused.stderr,
    /The proxy 127\.0\.0\.1:\d+ wants a user and a password.*HTTP_PROXY/,
  );
  assert.doesNotMatch(refused.stderr, /wrong/);
});

test('this machine needs no proxy, and one that is away is named', async (t) => {
  const home = makeHome(t);
  const env = { HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' };
  const near = `${double.cdn}/net.onnx`;
  const done = await home.axonWith(env, 'install', near, '--as', 'my/net@1');
  assert.equal(done.status, 0, done.stderr);
  for (const far of [`http://models.test:${port}/net.onnx`, 'https://models.test/net.onnx']) {
    const away = await home.axonWith(env, 'install', far, '--as', 'my/far@1');
    assert.equal(away.status, 7, away.stderr);
    assert.match(away.stderr, /through the proxy 127\.0\.0\.1:9 of HTTPS?_PROXY/);
  }
});

test('a proxy inside the network is no reason to let a public host lead into it', async (t) => {
  const home = makeHome(t);
  const { address } = await startWebProxy(t);
  double.lie({ on: 'cdn', kind: 'redirect', to: double.cdn, times: 1 });
  const source = `http://models.test:${port}/net.onnx`;
  const led = await home.axonWith({ http_proxy: address }, 'install', source);
  assert.equal(led.status, 9, led.stderr);
  assert.match(led.stderr, /must not lead into this network/);
});

const openssl = spawnSync('openssl', ['version']).error === undefined;
test('an https address is reached through a tunnel, and its certificate is looked at', {
  skip: openssl ? false : orSkip('no openssl'),
}, async (t) => {
  const home = makeHome(t);
  const [cert, key] = [path.join(home.dir, 'cert.pem'), path.join(home.dir, 'key.pem')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-subj', '/CN=models.test', '-addext', 'subjectAltName=DNS:models.test'],
    ...['-days', '2', '-out', cert, '-keyout', key],
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  const identity = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
  const server = https.createServer(identity, (_request, response) => response.end(model));
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { address, asked } = await startWebProxy(t);
  const host = `models.test:${(server.address() as AddressInfo).port}`;
  const install = (name: string, more: NodeJS.ProcessEnv) =>
    home.spawnedIn({ HTTPS_PROXY: address, ...more }, ...['install', `https://${name}/net.onnx`]);

  const strange = await install(host, {});
  assert.equal(strange.status, 7, strange.stderr);
  assert.match(strange.stderr, /shows a certificate that is not trusted/);
  const known = await install(host, { NODE_EXTRA_CA_CERTS: cert });
  assert.equal(known.status, 0, known.stderr);
  assert.ok(
    asked.every((line) => line === `CONNECT ${host}`),
    asked.join(),
  );
  const other = await install(host.replace('models', 'other'), { NODE_EXTRA_CA_CERTS: cert });
  assert.notEqual(other.status, 0);
  const nobody = await install('models.test:1', { NODE_EXTRA_CA_CERTS: cert });
  assert.equal(nobody.status, 7, nobody.stderr);
  assert.match(nobody.stderr, /the proxy 127\.0\.0\.1:\d+ answered 502 for models\.test:1/);
});
