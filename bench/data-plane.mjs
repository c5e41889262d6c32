import { join } from 'node:path';
import { connect } from '../dist/client/client.js';
import { payloadKeys, sizeKeys, writeModels } from './models.mjs';
import { startBenchDaemon, using } from './processes.mjs';
import { alternate, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';
import { titles, wayStarts, waysOf } from './ways.mjs';

/** What does an answer take by each way, for models from 1 µs to 100 ms, inputs up to 16 MB, and many clients? */
const many = ['in-process', 'attached-async', 'attached-c', 'socket-inline', 'http-json'];

function cases(models) {
  const of = (key) => models.find((model) => model.key === key);
  const all = Object.keys(titles);
  return [
    ...sizeKeys.map((key) => ({ model: of(key), clients: 1, ways: all })),
    ...payloadKeys.map((key) => ({ model: of(key), clients: 1, ways: all })),
    ...['tiny', 'small', 'medium'].flatMap((key) =>
      [8, 64].map((clients) => ({ model: of(key), clients, ways: many })),
    ),
  ];
}

/** A slow model, or a slow way (16 MB of JSON), needs more time for a few answers. */
function timesFor({ model, way }, { seconds, warmupSeconds }) {
  const isSlow = model.name === 'large' || (way === 'http-json' && model.payloadBytes > 1e6);
  return isSlow ? { seconds: Math.max(1, 2 * seconds), warmupSeconds } : { seconds, warmupSeconds };
}

export async function registerModels(daemon, models, engineOf = () => undefined) {
  const client = await connect({ socketPath: daemon.socketPath });
  try {
    for (const model of models) {
      const engine = engineOf(model);
      const params = { model_id: model.id, path: model.file, ...(engine ? { engine } : {}) };
      await client.call('models.register', params);
    }
  } finally {
    await client.close();
  }
}

function rowsOf({ model, clients, ways }, results) {
  return ways.map((way) => {
    const result = results[way];
    const { p50, p95, p99, rps } = result;
    return {
      name: way,
      title: titles[way],
      model: model.name,
      payload_bytes: model.payloadBytes,
      concurrency: clients,
      p50,
      p95,
      p99,
      rps,
      baseline: 'in-process',
      ratio: medianRatio(result, results['in-process'], 'p50'),
      rounds: result.rounds,
    };
  });
}

function checksOf(rows) {
  const ratio = (name, model, payload, clients = 1) =>
    rows.find(
      (row) =>
        row.name === name &&
        row.model === model &&
        row.concurrency === clients &&
        (payload === undefined || row.payload_bytes === payload),
    );
  const { attached } = targets;
  const beyondRun = ratio('attached-c', 'tiny', 64).p50 - ratio('in-process-c', 'tiny', 64).p50;
  const bytes16m = 16 * 1024 * 1024;
  const worst = (model, payload) =>
    Math.max(
      ...['attached-sync', 'attached-async'].map((name) => ratio(name, model, payload).ratio),
    );
  return [
    check('tiny, inferSync() against session.run', ratio('attached-sync', 'tiny', 64).ratio, {
      atMost: attached.syncTimes,
    }),
    check('tiny, await infer() against session.run', ratio('attached-async', 'tiny', 64).ratio, {
      atMost: attached.asyncTimes,
    }),
    check(
      'tiny, attached from C beyond OrtApi::Run',
      beyondRun,
      { atMost: attached.beyondRunUs },
      'µs',
    ),
    check('16 MB input, attached against in-process', worst('tiny', bytes16m), {
      atMost: attached.largeInputTimes,
    }),
    check('medium model, attached against in-process', worst('medium'), {
      atMost: attached.slowModelTimes,
    }),
    check('large model, attached against in-process', worst('large'), {
      atMost: attached.slowModelTimes,
    }),
  ];
}

export function dataPlane(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const models = writeModels(join(daemon.folder, 'models'), [...sizeKeys, ...payloadKeys]);
    await registerModels(daemon, models);
    return await using(wayStarts(daemon), async (...processes) => {
      const all = waysOf(daemon, processes);
      const rows = [];
      for (const one of cases(models)) {
        // Python is not everywhere; its rows are then missing, and the run says so.
        const ways = one.ways.filter((way) => all[way] !== undefined);
        const subjects = Object.fromEntries(
          ways.map((way) => [
            way,
            () => all[way](one.model, one.clients, timesFor({ model: one.model, way }, plan)),
          ]),
        );
        process.stderr.write(`    ${one.model.key}, ${one.clients} clients …\n`);
        rows.push(...rowsOf({ ...one, ways }, await alternate(plan, subjects)));
      }
      return { id: 'data-plane', title: 'One answer, by each way', rows, checks: checksOf(rows) };
    });
  });
}
