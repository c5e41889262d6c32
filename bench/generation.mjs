import { dirname, join } from 'node:path';
import { connect } from '../dist/client/client.js';
import { writeTinyDecoder } from '../dist/testing/tasks/tiny-decoder.js';
import { startBenchDaemon, startProcess, using } from './processes.mjs';
import { alternate, median, medianRatio, summary } from './stats.mjs';
import { check, targets } from './targets.mjs';

/** How fast are a text's tokens written, beside the field's library in the app's own process? */
const models = [
  { name: 'tiny', width: 8, vocabulary: 18 },
  { name: 'small', width: 256, vocabulary: 16_384 },
  { name: 'medium', width: 512, vocabulary: 32_768 },
];
const prompt = 'the cat sat on a nice mat in paris';
const context = 1_024;

/** From when each token came to what a row says. */
function figures(times) {
  const between = times.slice(1).map((time, index) => time - times[index]);
  const seconds = (times.at(-1) - times[0]) / 1e6;
  return { ...summary(between), rps: between.length / seconds, first_us: times[0] };
}

async function writeOver(client, model, tokens) {
  const times = [];
  const begun = performance.now();
  const onEvent = () => times.push((performance.now() - begun) * 1000);
  const params = { model_id: model.id, input: prompt, max_tokens: tokens, temperature: 0 };
  await client.call('models.infer', params, { onEvent });
  return times;
}

async function measure(model, { client, daemon, plan }) {
  const file = await writeTinyDecoder(join(daemon.folder, 'models', model.name), {
    ...{ width: model.width, vocabulary: model.vocabulary, context },
  });
  const id = `bench/${model.name}@1`;
  await client.call('models.register', { model_id: id, path: file });
  const tokens = plan.seconds < 1 ? 30 : 300;
  const library = () => startProcess('clients/transformers.mjs', { folder: dirname(file) });
  const results = await using([library], (app) =>
    alternate(plan, {
      'transformers.js': async () => figures((await app.ask({ prompt, tokens })).times),
      'socket-stream': async () => figures(await writeOver(client, { id }, tokens)),
    }),
  );
  const baseline = 'transformers.js';
  return Object.entries(results).map(([name, result]) => ({
    ...{ name, model: model.name, payload_bytes: prompt.length, concurrency: 1 },
    ...{ ...result, baseline, ratio: medianRatio(result, results[baseline], 'p50') },
  }));
}

function checksOf(rows) {
  const { generation } = targets;
  return models.flatMap(({ name }) => {
    const of = (way) => rows.find((row) => row.model === name && row.name === way);
    const [ours, library] = [of('socket-stream'), of('transformers.js')];
    const later = median(
      ours.rounds.map((round, i) => round.first_us - library.rounds[i].first_us),
    );
    const { tokensTimes, firstLaterMs } = generation;
    return [
      check(`tokens a second, ${name}, beside the library's`, medianRatio(ours, library, 'rps'), {
        atLeast: tokensTimes,
      }),
      check(`first token, ${name}, later by`, later / 1000, { atMost: firstLaterMs }, 'ms'),
    ];
  });
}

export function generation(plan) {
  return using([startBenchDaemon], async (daemon) => {
    const client = await connect({ socketPath: daemon.socketPath });
    try {
      const rows = [];
      for (const model of models) rows.push(...(await measure(model, { client, daemon, plan })));
      return {
        id: 'generation',
        title: 'Between two tokens of a greedy text (req/s: tokens a second)',
        rows,
        checks: checksOf(rows),
      };
    } finally {
      await client.close();
    }
  });
}
