import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ollama } from 'ollama';
import { processesWithEnvironment } from '../daemon/processes.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { startHubDouble } from '../hub-double/hub-double.ts';
import { identityModel } from '../onnx-models.ts';

/*
 * Guards: the unmodified client of Ollama's API pulls models through axon, sees how far they are, and ends a pull by
 * leaving; what nobody may have fetched is refused. The hub is the double.
 */
const watchdog = { timeout: 120_000 };
const onnx = identityModel('float32', ['n']);
const repos = [
  { id: 'acme/one', files: { 'config.json': '{}', 'model.onnx': onnx } },
  {
    id: 'acme/two',
    files: { 'onnx/model.onnx': onnx, 'onnx/model_q4.onnx': Buffer.from(onnx) },
  },
];

async function withHub(t: TestContext, args: readonly string[] = []) {
  const double = await startHubDouble({ repos });
  t.after(() => double.close());
  const place = await openPlace(t);
  const home = join(place.folder, 'axon');
  const daemon = await place.start({ args, env: { ...double.env, AXON_HOME: home } });
  const host = `http://127.0.0.1:${daemon.httpPort}`;
  const models = join(home, 'cache/models');
  const installed = () => (fs.existsSync(models) ? fs.readdirSync(models) : []);
  const client = () => new Ollama({ host });
  return { double, place, daemon, host, client, installed };
}

async function refused(call: Promise<unknown>): Promise<{ message: string; status_code?: number }> {
  return call.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown as Error & { status_code?: number },
  );
}

/** Whether axon's program runs below the place. */
function isPulling(folder: string): boolean {
  return processesWithEnvironment(folder).some((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('axon/main.js');
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

async function quiet(folder: string): Promise<void> {
  while (isPulling(folder)) await sleep(50);
}

test('a model is pulled with progress, registered and asked', watchdog, async (t) => {
  const { client, daemon } = await withHub(t);
  const stream = await client().pull({ model: 'hf.co/acme/one', stream: true });
  const lines = [];
  for await (const line of stream) lines.push(line);
  const { status } = lines[0] ?? {};
  assert.equal(status, 'pulling manifest');
  const last = lines.filter(({ digest }) => digest?.startsWith('sha256:')).at(-1);
  assert.match(last?.digest ?? '', /^sha256:[0-9a-f]{64}$/);
  assert.equal(last?.status, `pulling ${last?.digest.slice(7, 19)}`);
  assert.deepEqual([last?.completed, last?.total], [onnx.byteLength, onnx.byteLength]);
  assert.deepEqual(
    lines.slice(-3).map((line) => line.status),
    ['verifying sha256 digest', 'writing manifest', 'success'],
  );
  assert.deepEqual(
    (await client().list()).models.map(({ name }) => name),
    ['hf/acme/one@latest'],
  );
  const { body } = await daemon.http.post('/models/hf-acme-one@latest/inference', { x: [1, 2] });
  assert.deepEqual(body.outputs, { y: [1, 2] });
  assert.equal((await client().pull({ model: 'hf.co/acme/one' })).status, 'success');
});

test('a variant is what stands behind the colon', watchdog, async (t) => {
  const { client } = await withHub(t);
  assert.equal((await client().pull({ model: 'hf.co/acme/two:q4' })).status, 'success');
  const { models } = await client().list();
  assert.deepEqual(
    models.map(({ name }) => name),
    ['hf/acme/two@q4'],
  );
  assert.match((await client().show({ model: 'hf.co/acme/two:q4' })).modelfile, /model_q4\.onnx/);
});

test('what cannot be pulled is refused, and says what to write', watchdog, async (t) => {
  const { client, double } = await withHub(t);
  const bare = await refused(client().pull({ model: 'llama3' }));
  assert.equal(bare.status_code, 400);
  assert.match(bare.message, /write ollama\/llama3 for Ollama's library, hf\.co\/owner\/name/);
  const never = [
    '/etc/passwd',
    './model.onnx',
    '../model.onnx',
    'file:///etc/passwd',
    'https://127.0.0.1/model.onnx',
    'oci/127.0.0.1:5000/x@1',
    '--allow-pickle',
    'hf/../../etc/passwd',
    'hf/--force/x',
    'hf/a b',
    'model.onnx',
  ];
  for (const model of never) {
    const { status_code: status, message } = await refused(client().pull({ model }));
    assert.equal(status, 400, `${model}: ${message}`);
  }
  assert.equal(double.seen.length, 0);
  const missing = await refused(client().pull({ model: 'hf.co/acme/none' }));
  assert.equal(missing.status_code, 404);
  const stream = await client().pull({ model: 'hf.co/acme/none', stream: true });
  const read = async () => {
    for await (const _ of stream);
  };
  assert.match((await refused(read())).message, /acme\/none/);
});

test('who leaves ends the pull, and nothing is half made', watchdog, async (t) => {
  const { client, double, place, installed } = await withHub(t);
  double.lie({ on: 'cdn', kind: 'stall', times: 100 });
  const leaver = client();
  const stream = await leaver.pull({ model: 'hf.co/acme/one', stream: true });
  const read = async () => {
    for await (const { digest } of stream) if (digest !== undefined) leaver.abort();
  };
  assert.match((await refused(read())).message, /abort/);
  await quiet(place.folder);
  assert.deepEqual(installed(), []);
  assert.deepEqual((await client().list()).models, []);
  double.tellTheTruth();
  assert.equal((await client().pull({ model: 'hf.co/acme/one' })).status, 'success');
});

test('only so many at once; a daemon that stops ends them', watchdog, async (t) => {
  const { client, double, daemon, place } = await withHub(t);
  double.lie({ on: 'cdn', kind: 'stall', times: 100 });
  const begun = [];
  for (const model of ['hf.co/acme/one', 'hf.co/acme/two']) {
    begun.push(await client().pull({ model, stream: true }));
  }
  const third = await refused(client().pull({ model: 'hf.co/acme/two:q4' }));
  assert.equal(third.status_code, 429);
  assert.match(third.message, /2 models are being pulled/);
  const reads = begun.map(async (stream) => {
    for await (const _ of stream);
  });
  daemon.signal('SIGTERM');
  await Promise.all(reads.map((read) => assert.rejects(read)));
  await daemon.exited;
  await quiet(place.folder);
});

test('pulls can be switched off, and have a size', watchdog, async (t) => {
  const off = await withHub(t, ['--set', 'pulls.enabled=false']);
  const no = await refused(off.client().pull({ model: 'hf.co/acme/one' }));
  assert.equal(no.status_code, 403);
  assert.match(no.message, /axon install hf\/acme\/one/);
  const small = await withHub(t, ['--set', 'pulls.max_bytes=10']);
  const large = await refused(small.client().pull({ model: 'hf.co/acme/one' }));
  assert.equal(large.status_code, 413);
  assert.deepEqual(small.installed(), []);
});
