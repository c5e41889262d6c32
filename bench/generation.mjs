import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../dist/client/client.js';
import { tinyGguf } from '../dist/testing/gguf/tiny-gguf.js';
import { writeTinyDecoder } from '../dist/testing/tasks/tiny-decoder.js';
import { startBenchDaemon, startProcess, using } from './processes.mjs';
import { alternate, median, medianRatio, summary } from './stats.mjs';
import { check, targets } from './targets.mjs';

/** How fast are a text's tokens written, beside the field's library in the app's own process? */
const models = [
  { name: 'ONNX, tiny', width: 8, vocabulary: 18, write: writeOnnx },
  { name: 'ONNX, small', width: 256, vocabulary: 16_384, write: writeOnnx },
  { name: 'ONNX, medium', width: 512, vocabulary: 32_768, write: writeOnnx },
  { name: 'GGUF, tiny', width: 64, layers: 5, write: writeLlama },
  { name: 'GGUF, medium', width: 512, layers: 8, write: writeLlama },
];
const prompt = 'the cat sat on a nice mat in paris';
const context = 1_024;

/** From when each token came to what a row says. Tokens that come together share the time. */
function figures(times) {
  const between = times.slice(1).map((time, index) => time - times[index]);
  const seconds = (times.at(-1) - times[0]) / 1e6;
  return { ...summary(between), rps: between.length / seconds, first_us: times[0] };
}

async function writeOver(client, model, tokens) {
  const times = [];
  const begun = performance.now();
  const onEvent = ({ tokens: came }) => {
    const time = (performance.now() - begun) * 1000;
    const last = times.at(-1) ?? time;
    for (let i = 1; i <= came; i++) times.push(last + ((time - last) * i) / came);
  };
  const params = { model_id: model.id, input: prompt, max_tokens: tokens, temperature: 0 };
  await client.call('models.infer', params, { onEvent });
  return times;
}

/** The model's file, and what runs it in the app's own process. */
async function writeOnnx(folder, { width, vocabulary }) {
  const file = await writeTinyDecoder(folder, { width, vocabulary, context });
  return { file, library: 'transformers.js', app: 'clients/transformers.mjs', facts: { folder } };
}

async function writeLlama(folder, { width, layers }) {
  const file = join(folder, 'model.gguf');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, tinyGguf({ width, layers, context }));
  return {
    file,
    library: 'node-llama-cpp',
    app: 'clients/llama-cpp.mjs',
    facts: { file, context },
  };
}

async function measure(model, { client, daemon, plan }) {
  const number = models.indexOf(model);
  const folder = join(daemon.folder, 'models', `${number}`);
  const { file, library, app, facts } = await model.write(folder, model);
  const id = `bench/${number}@1`;
  await client.call('models.register', { model_id: id, path: file });
  const tokens = plan.seconds < 1 ? 30 : 300;
  const results = await using([() => startProcess(app, facts)], (other) =>
    alternate(plan, {
      [library]: async () => figures((await other.ask({ prompt, tokens })).times),
      'socket-stream': async () => figures(await writeOver(client, { id }, tokens)),
    }),
  );
  return Object.entries(results).map(([name, result]) => ({
    ...{ name, model: model.name, payload_bytes: prompt.length, concurrency: 1 },
    ...{ ...result, baseline: library },
    ratio: medianRatio(result, results[library], 'p50'),
  }));
}

function checksOf(rows) {
  const { generation } = targets;
  return models.flatMap(({ name }) => {
    const of = (way) => rows.find((row) => row.model === name && row.name === way);
    const ours = of('socket-stream');
    const library = of(ours.baseline);
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
