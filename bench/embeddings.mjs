import { dirname, join } from 'node:path';
import { connect } from '../dist/client/client.js';
import { writeTextEncoder } from '../dist/testing/tasks/text-encoder.js';
import { startProcess, startQuietDaemon, using } from './processes.mjs';
import { alternate, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';

/** How many texts a second become vectors for 32 apps at once, beside one app with the field's library? */
const clients = 32;
const models = [
  { name: 'small', layers: 2, width: 128, heads: 2 },
  { name: 'MiniLM-L6-sized', layers: 6, width: 384, heads: 12 },
];

async function measure(model, { client, daemon, plan }) {
  const folder = join(daemon.folder, 'models', model.name);
  const file = await writeTextEncoder(folder, model);
  const id = `bench/${model.name}@1`;
  await client.call('models.register', { model_id: id, path: file });
  const library = () => startProcess('clients/text-pipeline.mjs', { folder: dirname(file) });
  const apps = () => startProcess('clients/text-client.mjs');
  const times = { seconds: plan.seconds, warmupSeconds: plan.warmupSeconds };
  const { socketPath: path, endpoint } = daemon;
  const results = await using([library, apps], (app, many) => {
    const ask = (kind, count) => () =>
      many.ask({ kind, path, endpoint, id, clients: count, ...times });
    return alternate(plan, {
      'transformers.js': () => app.ask(times),
      'transformers.js, lists of 16': () => app.ask({ ...times, joined: 16 }),
      'socket-1': ask('socket', 1),
      [`socket-${clients}`]: ask('socket', clients),
      [`http-${clients}`]: ask('http', clients),
    });
  });
  const baseline = 'transformers.js';
  return Object.entries(results).map(([name, result]) => ({
    ...{ name, model: model.name, concurrency: Number(/-(\d+)$/.exec(name)?.[1] ?? 1) },
    ...{ ...result, baseline, ratio: medianRatio(result, results[baseline], 'p50') },
    rps_ratio: medianRatio(result, results[baseline], 'rps'),
  }));
}

function checksOf(rows) {
  return models.map(({ name }) => {
    const row = rows.find((one) => one.model === name && one.name === `socket-${clients}`);
    const what = `embeddings a second, ${name}, ${clients} apps beside the library alone`;
    return check(what, row.rps_ratio, { atLeast: targets.embeddings.throughputTimes });
  });
}

export function embeddings(plan) {
  return using([startQuietDaemon], async (daemon) => {
    const client = await connect({ socketPath: daemon.socketPath });
    try {
      const rows = [];
      for (const model of models) rows.push(...(await measure(model, { client, daemon, plan })));
      return {
        id: 'embeddings',
        title: 'Embeddings of texts of 3 to 30 words',
        rows,
        checks: checksOf(rows),
      };
    } finally {
      await client.close();
    }
  });
}
