import { join } from 'node:path';
import { encodeMessage } from '../dist/daemon/doors/grpc/message-codec.js';
import { loadProtos } from '../dist/daemon/doors/grpc/protobuf.js';
import { registerModels } from './data-plane.mjs';
import { generate, httpRequest } from './generator.mjs';
import { writeModels } from './models.mjs';
import { nativeLoad } from './native.mjs';
import { hasFastApi, startBenchDaemon, startProcess, using } from './processes.mjs';
import { alternate, median, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';

/**
 * What does the Open Inference Protocol cost: a small request as JSON beside servers that run the model
 * themselves, and 600 KB in and out beside an echo of the same bytes by the same library?
 */
const manyClients = 32;
const inferPath = '/inference.GRPCInferenceService/ModelInfer';
const httpPath = (id) => `/v2/models/${encodeURIComponent(id)}/infer`;

function tensorOf({ shape }) {
  return { name: 'x', datatype: 'FP32', shape };
}

function jsonRequest(model, path) {
  const data = new Array(model.payloadBytes / 4).fill(0.5);
  return httpRequest('POST', path, JSON.stringify({ inputs: [{ ...tensorOf(model), data }] }));
}

function floats({ payloadBytes }) {
  return Buffer.from(new Float32Array(payloadBytes / 4).fill(0.5).buffer);
}

function binaryRequest(model, path) {
  const tensor = { ...tensorOf(model), parameters: { binary_data_size: model.payloadBytes } };
  const parameters = { binary_data_output: true };
  const head = Buffer.from(JSON.stringify({ inputs: [tensor], parameters }));
  return httpRequest('POST', path, Buffer.concat([head, floats(model)]), {
    'Content-Type': 'application/octet-stream',
    'Inference-Header-Content-Length': head.byteLength,
  });
}

function grpcRequest(model) {
  const message = loadProtos().lookupType('inference.ModelInferRequest');
  const fields = {
    model_name: model.id,
    inputs: [tensorOf(model)],
    raw_input_contents: [floats(model)],
  };
  return encodeMessage(message, fields).toString('base64');
}

/** JSON: how each server is asked, by row name. */
function jsonServers(model, daemon, inProcess, fastApi) {
  const at = (port, path) => ({ port, request: jsonRequest(model, path) });
  return {
    'oip-http-json': at(daemon.port, httpPath(model.id)),
    'uws-onnxruntime': at(inProcess.ready.port, '/v2/models/model/infer'),
    ...(fastApi === undefined ? {} : { fastapi: at(fastApi.ready.port, '/v2/models/model/infer') }),
  };
}

async function askJson(plan, model, servers) {
  const { seconds, warmupSeconds } = plan;
  const subject = ({ port, request }, connections) =>
    generate({ door: ['tcp', port], reply: 'http', request, connections, seconds, warmupSeconds });
  const results = {};
  for (const clients of [1, manyClients]) {
    const subjects = Object.entries(servers).map(([name, server]) => [
      name,
      () => subject(server, clients),
    ]);
    results[clients] = await alternate(plan, Object.fromEntries(subjects));
  }
  const rows = Object.entries(results).flatMap(([clients, result]) =>
    Object.keys(result).map((name) =>
      rowOf({ name, model, clients: Number(clients), result, baseline: 'uws-onnxruntime' }),
    ),
  );
  return { rows, checks: jsonChecks(results) };
}

function jsonChecks({ 1: one, [manyClients]: many }) {
  const { jsonTimes, jsonShare, fastApiShare } = targets.openProtocol;
  const ours = many['oip-http-json'];
  const share = (name) => medianRatio(ours, many[name], 'rps');
  return [
    check(
      'open protocol, small JSON, p50 against the runtime in uWebSockets.js',
      medianRatio(one['oip-http-json'], one['uws-onnxruntime'], 'p50'),
      { atMost: jsonTimes },
    ),
    check('the same, requests per second of 32 clients', share('uws-onnxruntime'), {
      atLeast: jsonShare,
    }),
    ...(many.fastapi === undefined
      ? []
      : [
          check('the same against FastAPI and onnxruntime', share('fastapi'), {
            atLeast: fastApiShare,
          }),
        ]),
  ];
}

function rowOf({ name, model, clients, result, baseline }) {
  const { p50, p95, p99, rps, rounds } = result[name];
  return {
    name,
    model: model.name,
    payload_bytes: model.payloadBytes,
    concurrency: clients,
    p50,
    p95,
    p99,
    rps,
    baseline,
    ratio: medianRatio(result[name], result[baseline], 'p50'),
    rounds,
  };
}

/** Each way of bytes with the echo that moves the same ones. */
const byteWays = {
  'oip-http-binary': 'echo-http',
  'oip-grpc': 'echo-grpc',
  'oip-grpc-unix': 'echo-grpc-unix',
};

async function askBytes(plan, model, { daemon, httpEcho, grpcEcho, grpcEchoSocket, client }) {
  const times = { seconds: plan.seconds, warmupSeconds: plan.warmupSeconds };
  const request = grpcRequest(model);
  const http = (port) => () =>
    generate({
      door: ['tcp', port],
      reply: 'http',
      request: binaryRequest(model, httpPath(model.id)),
      connections: 1,
      ...times,
    });
  const grpc = (target, path) => () => client.ask({ target, path, request, ...times });
  const result = await alternate(plan, {
    run: () => nativeLoad({ mode: 'run', model, clients: 1, ...times }),
    'oip-http-binary': http(daemon.port),
    'echo-http': http(httpEcho.ready.port),
    'oip-grpc': grpc(`127.0.0.1:${daemon.grpcPort}`, inferPath),
    'echo-grpc': grpc(`127.0.0.1:${grpcEcho.ready.port}`, '/bench.Echo/Echo'),
    'oip-grpc-unix': grpc(`unix:${daemon.grpcSocketPath}`, inferPath),
    'echo-grpc-unix': grpc(`unix:${grpcEchoSocket}`, '/bench.Echo/Echo'),
  });
  const pairs = Object.entries(byteWays);
  return {
    rows: pairs.flatMap(([way, echo]) =>
      [way, echo].map((name) => rowOf({ name, model, clients: 1, result, baseline: echo })),
    ),
    checks: pairs.map(([way, echo]) =>
      check(
        `${way}, 600 KB, time beyond the run against ${echo}`,
        beyondRun(result.run, result[way], result[echo]),
        {
          atMost: targets.openProtocol.echoTimes,
        },
      ),
    ),
  };
}

/** The median over the rounds of (p50 − p50 of the run alone) / p50 of the echo. */
function beyondRun(run, ours, echo) {
  const ratios = ours.rounds.map(({ p50 }, i) => (p50 - run.rounds[i].p50) / echo.rounds[i].p50);
  return median(ratios);
}

export function openProtocol(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const folder = join(daemon.folder, 'models');
    const [small, large] = writeModels(folder, ['tiny', 'through-600k']);
    await registerModels(daemon, [small, large]);
    const grpcEchoSocket = join(daemon.folder, 'echo.sock');
    const starts = [
      () => startProcess('servers/oip-in-process.mjs', { file: small.file }),
      () => startProcess('servers/echo-http.mjs'),
      () => startProcess('servers/echo-grpc.mjs', { socketPath: grpcEchoSocket }),
      () => startProcess('clients/grpc-client.mjs'),
      ...(hasFastApi() ? [() => startProcess('servers/fastapi_oip.py', { file: small.file })] : []),
    ];
    return await using(starts, async (inProcess, httpEcho, grpcEcho, client, fastApi) => {
      const json = await askJson(plan, small, jsonServers(small, daemon, inProcess, fastApi));
      const others = { daemon, httpEcho, grpcEcho, grpcEchoSocket, client };
      const bytes = await askBytes(plan, large, others);
      return {
        id: 'open-protocol',
        title: 'The Open Inference Protocol',
        rows: [...json.rows, ...bytes.rows],
        checks: [...json.checks, ...bytes.checks],
      };
    });
  });
}
