import { join } from 'node:path';
import { connect } from '../dist/client/client.js';
import { generate, httpRequest } from './generator.mjs';
import { withCpuTime } from './machine.mjs';
import { writeModels } from './models.mjs';
import { startBenchDaemon, startProcess, using } from './processes.mjs';
import { alternate, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';

/** What does an inference take through each door, beside the runtime in the app's own process? */
const manyClients = 8;

function inferenceRequest({ id, shape }) {
  const count = shape.reduce((product, dim) => product * dim, 1);
  const data = new Array(count).fill(0.5);
  const body = JSON.stringify({ inputs: { x: { shape, data } } });
  return httpRequest('POST', `/models/${encodeURIComponent(id)}/inference`, body);
}

/** The same input must give the same output everywhere, or the figures compare nothing. */
async function registerModels(daemon, models) {
  const client = await connect({ socketPath: daemon.socketPath });
  try {
    for (const { id, file } of models) {
      await client.call('models.register', { model_id: id, path: file });
    }
  } finally {
    await client.close();
  }
}

async function measureModel(model, { daemon, app, client, plan }) {
  const { seconds, warmupSeconds } = plan;
  const times = { seconds, warmupSeconds };
  const question = { modelId: model.id, shape: model.shape, ...times };
  const request = inferenceRequest(model);
  const inProcess = (clients) => () =>
    withCpuTime(app.pid, () => app.ask({ ...question, clients }));
  const socket = (clients) => () =>
    withCpuTime(daemon.pid, () =>
      client.ask({ kind: 'infer', path: daemon.socketPath, ...question, clients }),
    );
  const http = (connections) => () =>
    withCpuTime(daemon.pid, () =>
      generate({ door: ['tcp', daemon.port], reply: 'http', request, connections, ...times }),
    );
  return await alternate(plan, {
    'in-process': inProcess(1),
    socket: socket(1),
    http: http(1),
    'in-process, many': inProcess(manyClients),
    'socket, many': socket(manyClients),
    'http, many': http(manyClients),
  });
}

const names = {
  'in-process': 'onnxruntime-node in the app',
  socket: 'socket, binary tensors',
  http: 'HTTP, JSON',
};

function rowsOf(model, result, promised) {
  const target = { socket: promised.socketUs, http: promised.httpUs };
  const row = (key, clients, of) => {
    const result_ = result[clients === 1 ? key : `${key}, many`];
    const baseline = result[clients === 1 ? 'in-process' : 'in-process, many'];
    return {
      name: `${model.title.split(':')[0]} ← ${names[key]}, ${clients} client${clients === 1 ? '' : 's'}`,
      model: model.title,
      way: names[key],
      clients,
      ...result_,
      times: medianRatio(result_, baseline, of),
      of: key === 'in-process' ? undefined : of,
      target_us: clients === 1 ? target[key] : undefined,
    };
  };
  const keys = Object.keys(names);
  return [
    ...keys.map((key) => row(key, 1, 'p50')),
    ...keys.map((key) => row(key, manyClients, 'rps')),
  ];
}

function checksOf(results, [small, large]) {
  const p50 = (model, way) => results.get(model.id)[way].p50;
  const rps = (model, way) => results.get(model.id)[way].rps;
  const { smallModel, largeModel, inferencesPerSecond } = targets;
  return [
    check('small model, socket p50', p50(small, 'socket'), { atMost: smallModel.socketUs }, 'µs'),
    check('small model, HTTP p50', p50(small, 'http'), { atMost: smallModel.httpUs }, 'µs'),
    check('large model, socket p50', p50(large, 'socket'), { atMost: largeModel.socketUs }, 'µs'),
    check('large model, HTTP p50', p50(large, 'http'), { atMost: largeModel.httpUs }, 'µs'),
    check(
      'small model, socket, 8 clients',
      rps(small, 'socket, many'),
      {
        atLeast: inferencesPerSecond.socket,
      },
      'req/s',
    ),
    check(
      'small model, HTTP, 8 clients',
      rps(small, 'http, many'),
      {
        atLeast: inferencesPerSecond.http,
      },
      'req/s',
    ),
  ];
}

export function inference(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const models = writeModels(join(daemon.folder, 'models'));
    await registerModels(daemon, models);
    const starts = [
      () => startProcess('clients/in-process.mjs', { models }),
      () => startProcess('clients/socket-client.mjs'),
    ];
    return await using(starts, async (app, client) => {
      const results = new Map();
      for (const model of models) {
        results.set(model.id, await measureModel(model, { daemon, app, client, plan }));
      }
      const promised = [targets.smallModel, targets.largeModel];
      return {
        id: 'inference',
        title: 'Inference, one intra-op thread',
        rows: models.flatMap((model, i) => rowsOf(model, results.get(model.id), promised[i])),
        checks: checksOf(results, models),
      };
    });
  });
}
