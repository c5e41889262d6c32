import assert from 'node:assert/strict';
import { Agent, request as send } from 'node:http';
import { test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { encodeMessage } from '../../daemon/doors/grpc/message-codec.ts';
import { loadProtos } from '../../daemon/doors/grpc/protobuf.ts';
import { frame } from '../../protocol/frame.ts';
import { encodeMsgpack } from '../../protocol/msgpack.ts';
import { readAnswers } from '../conformance/ipc-frames.ts';
import { rawExchange } from '../conformance/raw-exchange.ts';
import { registerModel } from '../daemon/models.ts';
import { becomes, openDescriptorsOf, residentBytesOf } from '../daemon/processes.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { randomFrom } from '../data-plane/random.ts';
import { withBinary } from '../oip/exchange.ts';
import { identityModel } from '../onnx-models.ts';
import { damaged } from './mutations.ts';

/*
 * Guards: requests that were damaged on their way are answered with an error that has a name, and cost
 * nothing that lasts. MLOS_SOAK=1 sends 10,000 to each door; MLOS_FUZZ and MLOS_FUZZ_SEED choose the
 * number and the seed.
 */
const isSoak = process.env['MLOS_SOAK'] === '1';
const count = Number(process.env['MLOS_FUZZ'] ?? (isSoak ? 10_000 : 500));
const seed = Number(process.env['MLOS_FUZZ_SEED'] ?? 5);

/** Sends one request; `ok`, the name of the error, or `bad: …` for an answer that has none. */
type Door = (random: () => number) => Promise<string>;

const values = Float32Array.of(1, 2, 3);
const bytes = Buffer.from(values.buffer);
const native = JSON.stringify({ inputs: { x: { dtype: 'float32', shape: [3], data: [1, 2, 3] } } });
const x = { name: 'x', shape: [3], datatype: 'FP32' };
const json = JSON.stringify({
  id: '1',
  inputs: [{ ...x, data: [1, 2, 3] }],
  outputs: [{ name: 'y' }],
});
const binary = withBinary(
  {
    inputs: [{ ...x, parameters: { binary_data_size: 12 } }],
    parameters: { binary_data_output: true },
  },
  values,
);

function httpDoor(
  daemon: DaemonProcess,
  path: string,
  valid: Uint8Array,
  agent: Agent,
  head?: number,
): Door {
  return (random) =>
    new Promise((resolve, reject) => {
      const body = damaged(valid, random);
      const length = head === undefined || random() < 0.7 ? head : Math.floor(random() * 400) - 20;
      const headers = {
        'content-length': body.length,
        ...(length === undefined ? {} : { 'inference-header-content-length': length }),
      };
      const options = {
        host: '127.0.0.1',
        port: daemon.httpPort,
        method: 'POST',
        path,
        headers,
        agent,
      };
      const sent = send(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = String(Buffer.concat(chunks));
          const status = response.statusCode ?? 0;
          if (status === 200) return resolve('ok');
          const named = /"code":"[A-Z_]{5,}"/.test(text);
          const isOurs = named && status !== 500;
          resolve(
            isOurs
              ? String(status)
              : `bad: ${status} ${text.slice(0, 300)} for ${body.toString('latin1')}`,
          );
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
}

function grpcDoor(client: Client, path: string, valid: Buffer): Door {
  const same = (buffer: Buffer) => buffer;
  return (random) =>
    new Promise((resolve) => {
      const body = damaged(valid, random);
      const options = { deadline: Date.now() + 20_000 };
      client.makeUnaryRequest(path, same, same, body, options, (error) => {
        if (error === null) return resolve('ok');
        const { code, details } = error;
        const isOurs = ![2, 4, 13, 14].includes(code) && details.length > 5;
        resolve(isOurs ? `grpc ${code}` : `bad: ${code} ${details} for ${body.toString('hex')}`);
      });
    });
}

function ipcDoor(daemon: DaemonProcess, valid: Buffer): Door {
  return async (random) => {
    const body = random() < 0.8 ? frame(damaged(valid, random)) : damaged(frame(valid), random);
    const { received } = await rawExchange({ path: daemon.socketPath }, [body], { end: true });
    const [answer] = readAnswers(received);
    if (answer === undefined)
      return body.length === 0 ? 'nothing' : `bad: no answer for ${body.toString('hex')}`;
    const error = answer[1] as { code?: string; message?: string } | null;
    if (error === null) return 'ok';
    const isOurs = error.code !== 'INTERNAL' && (error.message ?? '').length > 5;
    return isOurs
      ? String(error.code)
      : `bad: ${JSON.stringify(error)} for ${body.toString('hex')}`;
  };
}

test(`${count} damaged requests to each door`, { timeout: 600_000 }, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'f/x@1', model: identityModel('float32', ['n']) });
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const client = new Client(`127.0.0.1:${daemon.grpcPort}`, credentials.createInsecure());
  t.after(() => {
    agent.destroy();
    client.close();
  });
  const root = loadProtos();
  const oip = { model_name: 'f/x', inputs: [x], raw_input_contents: [bytes] };
  const own = {
    model_id: 'f/x@1',
    inputs: [{ name: 'x', tensor: { dtype: 'float32', shape: [3], data: bytes } }],
  };
  const params = {
    model_id: 'f/x@1',
    inputs: { x: { dtype: 'float32', shape: [3], data: bytes } },
  };
  const doors: Readonly<Record<string, Door>> = {
    http: httpDoor(daemon, '/models/f-x@1/inference', Buffer.from(native), agent),
    'oip-json': httpDoor(daemon, '/v2/models/f/x/infer', Buffer.from(json), agent),
    'oip-binary': httpDoor(
      daemon,
      '/v2/models/f/x/infer',
      binary.body,
      agent,
      binary.headers['inference-header-content-length'],
    ),
    'oip-grpc': grpcDoor(
      client,
      '/inference.GRPCInferenceService/ModelInfer',
      encodeMessage(root.lookupType('inference.ModelInferRequest'), oip),
    ),
    grpc: grpcDoor(
      client,
      '/mlos.v1.InferenceService/Infer',
      encodeMessage(root.lookupType('mlos.v1.InferRequest'), own),
    ),
    ipc: ipcDoor(daemon, Buffer.from(encodeMsgpack([1, 'models.infer', params]))),
  };
  const plugins = daemon.plugins();
  for (const [name, door] of Object.entries(doors)) {
    const random = randomFrom(seed);
    const seen = new Map<string, number>();
    const round = async (requests: number) => {
      for (let left = requests; left > 0; left -= 16) {
        const some = Array.from({ length: Math.min(16, left) }, () => door(random));
        for (const outcome of await Promise.all(some))
          seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
    };
    await round(Math.ceil(count / 5));
    const pids = [daemon.pid, ...plugins];
    const descriptors = pids.map((pid) => openDescriptorsOf(pid).length);
    const resident = pids.map(residentBytesOf);
    await round(count - Math.ceil(count / 5));
    const faults = [...seen.keys()].filter((outcome) => outcome.startsWith('bad'));
    t.diagnostic(
      `${name}: ${[...seen]
        .filter(([outcome]) => !faults.includes(outcome))
        .map((one) => one.join(' × '))
        .join(', ')}`,
    );
    assert.deepEqual(faults.slice(0, 10), [], `${name}: ${faults.length} answers without a name`);
    assert.equal(daemon.exit, null, 'the daemon serves');
    assert.deepEqual(daemon.plugins(), plugins, 'so do its plugins');
    const isBack = () =>
      pids.every((pid, i) => openDescriptorsOf(pid).length <= (descriptors[i] ?? 0));
    assert.ok(await becomes(isBack, 10_000), `${name}: descriptors stay open`);
    for (const [i, pid] of pids.entries()) {
      const grown = residentBytesOf(pid) - (resident[i] ?? 0);
      t.diagnostic(`${name}: process ${i} grew by ${(grown / 1e6).toFixed(1)} MB`);
      assert.ok(grown < 64e6, `${name}: process ${i} grew by ${grown} bytes`);
    }
  }
});
