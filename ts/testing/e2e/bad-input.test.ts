import assert from 'node:assert/strict';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isErrorCode } from '../../protocol/error-codes.ts';
import { frame } from '../../protocol/frame.ts';
import { encodeMsgpack } from '../../protocol/msgpack.ts';
import { ipcFrameCases, readAnswers } from '../conformance/ipc-frames.ts';
import { registerModel } from '../daemon/models.ts';
import { becomes, openDescriptorsOf, residentBytesOf } from '../daemon/processes.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { bertLikeModel, identityModel, slowModel } from '../onnx-models.ts';

/*
 * Guards: whatever comes in, each request gets an error of the closed list, and the daemon is as it
 * was before: same process, same descriptors, no memory kept. The last test shows that the measures
 * would notice. MLOS_BAD_INPUTS sets how many through each door.
 */
const count = Number(process.env['MLOS_BAD_INPUTS'] ?? 10_000);
const warmUp = Math.min(5_000, count);
const parallel = 16;
/** 10,000 requests that each kept 2 KB would pass it; a heap that breathes does not. */
const residentBound = 20e6;
const watchdog = { timeout: 180_000 };

let place: Place;
let daemon: DaemonProcess;
const cleanUps: (() => unknown)[] = [];

before(async () => {
  place = await openPlace({ after: (cleanUp) => void cleanUps.push(cleanUp as () => unknown) });
  daemon = await place.start({ args: ['--log-level', 'error'] });
  await registerModel(place, daemon, { id: 'bad/x@1', model: identityModel('int64', ['n', 3]) });
  await registerModel(place, daemon, { id: 'bad/bert@1', model: bertLikeModel() });
  await registerModel(place, daemon, { id: 'bad/slow@1', model: slowModel() });
});

after(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

/** Requests that decode, and are wrong all the same. Each is refused through any door. */
const wrongCalls: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['models.get', { model_id: 'bad/nothing@1' }],
  ['models.get', { model_id: `x/${'y'.repeat(250)}` }],
  ['models.infer', { model_id: 'bad/nothing', inputs: { x: [1] } }],
  ['models.infer', { model_id: 'bad/x@1' }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { y: [1] } }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { x: [[1, 2]] } }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { x: [[1, 2, 3], [4]] } }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { x: [[[[[1]]]]] } }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { x: { dtype: 'float32', data: [1] } } }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { x: { shape: [2 ** 40, 2 ** 40], data: [] } } }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { x: { shape: [-3], data: [] } } }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { x: ['NaN', 1, 2] } }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { x: [2 ** 53, 1, 2] } }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { x: Array(5_000).fill(0.5) } }],
  ['models.infer', { model_id: 'bad/x@1', inputs: { x: null }, outputs: ['nothing'] }],
  ['models.infer', { model_id: 'bad/bert@1', input: 'some text' }],
  ['models.infer', { model_id: 'bad/bert@1', inputs_id: [1] }],
  ['models.register', { model_id: 'bad/new@1', path: '/no/such/file.onnx' }],
  ['models.register', { model_id: '../../etc/passwd', path: '/etc/passwd' }],
  ['models.register', { model_id: 'bad/new@1', path: '/etc/passwd' }],
  ['models.unload', { model_id: 'bad/nothing@1' }],
  ['plugins.get', { plugin_id: 'nothing' }],
  ['plugins.register', { path: '/etc' }],
];

const paths: Readonly<Record<string, (id: string) => [string, string]>> = {
  'models.get': (id) => ['GET', `/models/${id}`],
  'models.infer': (id) => ['POST', `/models/${id}/inference`],
  'models.register': () => ['POST', '/models/register'],
  'models.unload': (id) => ['POST', `/models/${id}/unload`],
  'plugins.get': (id) => ['GET', `/plugins/${id}`],
  'plugins.register': () => ['POST', '/plugins/register'],
};

function isNamed(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return isErrorCode(code) && code !== 'INTERNAL' && typeof message === 'string' && message !== '';
}

/** Sends bytes, reads until the peer closes or `isEnough`, or goes away without reading. */
function exchange(
  address: NetConnectOpts,
  bytes: Uint8Array | string,
  isEnough: ((received: Buffer) => boolean) | 'leave',
): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket: Socket = connect(address, () => {
      socket.write(bytes);
      if (isEnough === 'leave') setImmediate(() => socket.destroy());
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (isEnough !== 'leave' && isEnough(Buffer.concat(chunks))) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
}

async function wrongHttpCall(index: number): Promise<void> {
  const [method = '', params = {}] = wrongCalls[index % wrongCalls.length] ?? [];
  const id = encodeURIComponent(String(params['model_id'] ?? params['plugin_id'] ?? ''));
  const [verb = '', path = ''] = paths[method]?.(id) ?? [];
  const { body } = await daemon.http.send(
    verb,
    path,
    verb === 'GET' ? undefined : JSON.stringify(params),
  );
  assert.ok(isNamed(body), `${method} ${JSON.stringify(params)}: ${JSON.stringify(body)}`);
}

function post(body: string | Uint8Array, announced = Buffer.byteLength(body)): Buffer {
  const head = `POST /models/bad%2Fx%401/inference HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${announced}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

const depthBomb = `{"x":${'['.repeat(20_000)}`;
const badBodies = [
  depthBomb,
  '{"x": [1,]}',
  '',
  '[1]',
  '{"x"',
  '\0',
  '{"x":1e999}',
  '"'.repeat(100),
];

async function badHttpBytes(index: number): Promise<void> {
  const address = { host: '127.0.0.1', port: daemon.httpPort };
  const kind = index % 4;
  if (kind === 0) {
    await exchange(address, post('{"x":', 1_000_000), 'leave');
    return;
  }
  if (kind === 1) {
    await exchange(address, 'POST /models/bad%2Fx%401/infer', 'leave');
    return;
  }
  const body = badBodies[index % badBodies.length] ?? '';
  const received = await exchange(address, post(body), (bytes) => bytes.includes('}'));
  const text = received.toString();
  const answer = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));
  assert.ok(isNamed(answer), `${body.slice(0, 50)}: ${text}`);
}

async function badHttp(index: number): Promise<void> {
  await (index % 5 === 0 ? badHttpBytes(index / 5) : wrongHttpCall(index));
}

const lies = [
  frame(encodeMsgpack([1, 'health.get'])).subarray(0, 7),
  Buffer.from([0, 0, 1, 0, 0x93, 1]),
  Buffer.from([3, 0, 0, 0, 0x93]),
  Buffer.from([0]),
];

async function badIpcBytes(index: number): Promise<void> {
  const address = { path: daemon.socketPath };
  if (index % 3 === 0) {
    await exchange(address, lies[index % lies.length] ?? '', 'leave');
    return;
  }
  const { name, bytes, end = false } = ipcFrameCases[index % ipcFrameCases.length] ?? assert.fail();
  const isWhole = (received: Buffer) => readAnswers(received).length > 0;
  const received = await exchange(address, bytes(), end ? 'leave' : isWhole);
  if (!end) assert.ok(isNamed(readAnswers(received)[0]?.[1]), name);
}

async function badIpc(index: number): Promise<void> {
  if (index % 5 === 0) {
    await badIpcBytes(index / 5);
    return;
  }
  const [method = '', params = {}] = wrongCalls[index % wrongCalls.length] ?? [];
  const bytes = frame(encodeMsgpack([index, method, params]));
  const isWhole = (received: Buffer) => readAnswers(received).length > 0;
  const [answer] = readAnswers(await exchange({ path: daemon.socketPath }, bytes, isWhole));
  assert.ok(isNamed(answer?.[1]), `${method} ${JSON.stringify(params)}: ${JSON.stringify(answer)}`);
  assert.equal(answer?.[0], index);
}

async function many(times: number, send: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < times) await send(next++);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

interface Measure {
  readonly descriptors: number;
  readonly residentBytes: number;
}

/** What the daemon holds when it has come to rest. */
async function measure(): Promise<Measure> {
  daemon.http.close();
  let last = -1;
  let same = 0;
  await becomes(() => {
    const now = openDescriptorsOf(daemon.pid).length;
    same = now === last ? same + 1 : 0;
    last = now;
    return same > 40;
  }, 15_000);
  return { descriptors: last, residentBytes: residentBytesOf(daemon.pid) };
}

const doors = { http: badHttp, ipc: badIpc };

for (const [name, send] of Object.entries(doors)) {
  test(`${count} bad requests through ${name}`, watchdog, async (t) => {
    await many(warmUp, send);
    // What leaks grows in every round; a heap that is still warming up does not.
    const grown: number[] = [];
    while (grown.length < 3 && Math.min(...grown) >= residentBound) {
      const first = await measure();
      const begun = performance.now();
      await many(count, send);
      const perSecond = count / ((performance.now() - begun) / 1_000);
      const second = await measure();
      grown.push(second.residentBytes - first.residentBytes);
      t.diagnostic(
        `${perSecond.toFixed(0)} a second; RSS ${(first.residentBytes / 1e6).toFixed(0)} MB, then ${((grown.at(-1) ?? 0) / 1e6).toFixed(1)} MB more; ${second.descriptors} descriptors`,
      );
      assert.equal(second.descriptors, first.descriptors);
    }
    assert.ok(Math.min(...grown) < residentBound, `RSS grew by ${grown} bytes`);
    assert.equal((await daemon.http.get('/health')).body.pid, daemon.pid);
    const { body } = await daemon.http.post('/models/bad%2Fx%401/inference', { x: [[1, 2, 3]] });
    assert.deepEqual(body.outputs?.y, [1, 2, 3]);
    const { body: stats } = await daemon.http.get('/stats');
    assert.equal(stats.errors_by_code.INTERNAL, undefined, 'no fault of ours among them');
  });
}

test('the measures notice what is kept', watchdog, async (t) => {
  const before = await measure();
  // A request that runs, and behind it 400 that wait, each with 100 KB and a connection.
  const lost: Promise<unknown>[] = [
    daemon.http.post('/models/bad%2Fslow%401/inference', { turns: 1_000_000, x: 1 }),
  ];
  await delay(300);
  const inputs = { x: { shape: [4_000, 3], data: Array(12_000).fill(1) } };
  const clients = await Promise.all(Array.from({ length: 400 }, () => daemon.connect()));
  for (const client of clients) {
    lost.push(client.call('models.infer', { model_id: 'bad/x@1', inputs }));
  }
  const settled = Promise.allSettled(lost);
  const isFull = () => openDescriptorsOf(daemon.pid).length >= before.descriptors + 400;
  assert.ok(await becomes(isFull, 20_000));
  const isLarge = () => residentBytesOf(daemon.pid) - before.residentBytes > residentBound;
  assert.ok(await becomes(isLarge, 30_000), 'the bound is too wide to notice 40 MB');
  t.diagnostic(
    `${((residentBytesOf(daemon.pid) - before.residentBytes) / 1e6).toFixed(0)} MB more`,
  );
  await Promise.all(clients.map((client) => client.close()));
  for (const pid of daemon.plugins()) process.kill(pid, 'SIGKILL');
  await settled;
});
