import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ChannelCredentials, Client, credentials } from '@grpc/grpc-js';
import { openPlace } from '../daemon/with-daemon.ts';
import { orSkip } from '../programs/skip.ts';

// Guards: with certificates the ports speak TLS only, and to nobody whom the client CA does not know; Unix
// sockets beside them are plain, and their owner's alone.

const watchdog = { timeout: 60_000 };
const openssl = spawnSync('openssl', ['version']).error === undefined;
const skip = openssl ? false : orSkip('no openssl');

function certificate(folder: string, name: string) {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-days', '2', '-out', cert, '-keyout', key],
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  return { cert, key };
}

/** Status of GET /livez; the code of the error where there is none. */
function https(port: number, options: RequestOptions): Promise<unknown> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path: '/livez', ...options }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
    sent.end();
  });
}

/** Whether a call is answered. */
function grpc(target: string, creds: ChannelCredentials): Promise<boolean> {
  const client = new Client(target, creds);
  const same = (bytes: Buffer) => bytes;
  const options = { deadline: Date.now() + 3_000 };
  return new Promise((resolve) => {
    const path = '/mlos.v1.HealthService/CheckLive';
    client.makeUnaryRequest(path, same, same, Buffer.alloc(0), options, (error) => {
      client.close();
      resolve(error === null);
    });
  });
}

test('TLS on both ports, with client certificates; plain Unix sockets', {
  ...watchdog,
  skip,
}, async (t) => {
  const place = await openPlace(t);
  const server = certificate(place.folder, 'server');
  const app = certificate(place.folder, 'app');
  const stranger = certificate(place.folder, 'stranger');
  const settings = ['http', 'grpc'].flatMap((door) => [
    `api.${door}.tls.cert=${server.cert}`,
    `api.${door}.tls.key=${server.key}`,
    `api.${door}.tls.client_ca=${app.cert}`,
    `api.${door}.socket_path=${join(place.folder, `${door}.sock`)}`,
  ]);
  const daemon = await place.start({ args: settings.flatMap((one) => ['--set', one]) });
  const ca = readFileSync(server.cert);
  const own = ({ cert, key }: typeof app) => ({ cert: readFileSync(cert), key: readFileSync(key) });
  assert.equal(await https(daemon.httpPort, { ca, ...own(app) }), 200);
  assert.notEqual(await https(daemon.httpPort, { ca, ...own(stranger) }), 200);
  assert.notEqual(await https(daemon.httpPort, { ca }), 200);
  assert.equal(await https(daemon.httpPort, own(app)), 'DEPTH_ZERO_SELF_SIGNED_CERT');

  const target = `localhost:${daemon.grpcPort}`;
  const secure = ({ cert, key }: typeof app) =>
    credentials.createSsl(ca, readFileSync(key), readFileSync(cert));
  assert.equal(await grpc(target, secure(app)), true);
  assert.equal(await grpc(target, secure(stranger)), false);
  assert.equal(await grpc(target, credentials.createSsl(ca)), false);
  assert.equal(await grpc(target, credentials.createInsecure()), false);

  const paths = ['http', 'grpc'].map((door) => join(place.folder, `${door}.sock`));
  for (const path of paths) assert.equal(statSync(path).mode & 0o777, 0o600, path);
  assert.equal(await grpc(`unix:${paths[1]}`, credentials.createInsecure()), true);
  const status = await new Promise((resolve, reject) => {
    const sent = httpRequest({ socketPath: paths[0], path: '/livez' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject);
    sent.end();
  });
  assert.equal(status, 200);
  const { apis } = (await (await daemon.connect()).call('stats.get', {})) as {
    apis: Record<string, { tls?: boolean; path?: string }>;
  };
  assert.deepEqual([apis['http']?.tls, apis['grpc']?.path], [true, paths[1]]);
  await daemon.end();
  assert.deepEqual(paths.map(existsSync), [false, false], 'the sockets are gone with the daemon');
});

test('certificates that cannot be used end the start with the reason', watchdog, async (t) => {
  const place = await openPlace(t);
  const file = await place.file('no.pem', 'this is no certificate');
  for (const [settings, why] of [
    [[`api.http.tls.cert=${file}`], /api\.http\.tls\.cert and api\.http\.tls\.key/],
    [
      [`api.grpc.tls.cert=${file}`, `api.grpc.tls.key=${file}`],
      /api\.grpc\.tls\.cert is .*no\.pem/,
    ],
  ] as const) {
    const daemon = place.launch({ args: settings.flatMap((one) => ['--set', one]) });
    assert.equal((await daemon.exited).code, 1);
    assert.match(daemon.output, why);
  }
});
