import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { setup } from './setup.mjs';
import { isMain, main, root, StepError } from './steps.mjs';

/**
 *     npm run bench -- [--quick] [--only QUESTION[,QUESTION]] [--no-setup] [--json]
 *
 * With --json standard output is one JSON object a line, one for each row, and nothing else. Writes .cache/bench/latest.json and .cache/bench/latest.svg. A missed target is reported and is no
 * failure: a machine that does something else at the time misses them too.
 */
const folder = join(root, '.cache', 'bench');

// ONNX Runtime reports usage to its maker unless it is told not to, also in the benchmark's processes.
process.env.ORT_DISABLE_TELEMETRY = '1';

const full = { rounds: 5, discarded: 1, seconds: 1.2, warmupSeconds: 0.3 };
const quick = { rounds: 1, discarded: 0, seconds: 0.2, warmupSeconds: 0.1 };
const fullIdle = { settleSeconds: 25, idleSeconds: 20 };
const quickIdle = { settleSeconds: 0.2, idleSeconds: 1 };

/** Loaded after the build: they import what it makes. */
const groups = {
  health: async () => [
    (await import('../bench/health-http.mjs')).healthHttp,
    (await import('../bench/health-socket.mjs')).healthSocket,
  ],
  'data-plane': async () => [(await import('../bench/data-plane.mjs')).dataPlane],
  'open-protocol': async () => [(await import('../bench/open-protocol.mjs')).openProtocol],
  pipelined: async () => [(await import('../bench/pipelined.mjs')).pipelined],
  asleep: async () => [(await import('../bench/asleep.mjs')).asleep],
  batching: async () => [(await import('../bench/batching.mjs')).batching],
  urgent: async () => [(await import('../bench/urgent.mjs')).urgent],
  fairness: async () => [(await import('../bench/fairness.mjs')).fairness],
  'axon-download': async () => [(await import('../bench/axon-download.mjs')).axonDownload],
  embeddings: async () => [(await import('../bench/embeddings.mjs')).embeddings],
  generation: async () => [(await import('../bench/generation.mjs')).generation],
  memory: async () => [(await import('../bench/memory.mjs')).memory],
  idle: async () => [(await import('../bench/idle.mjs')).idle],
};

function options() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      'no-setup': { type: 'boolean', default: false },
    },
  });
  const only = values.only?.split(',') ?? Object.keys(groups);
  if (only.some((name) => !Object.hasOwn(groups, name))) {
    throw new StepError(`--only takes ${Object.keys(groups).join(', ')}.`);
  }
  return { ...values, only };
}

function methodOf(plan) {
  return [
    'Servers, clients and load generator are processes of their own; closed loop, no pipelining.',
    `Medians of ${plan.rounds} rounds of ${plan.seconds} s, each after ${plan.warmupSeconds} s of warm-up; rounds thrown away before: ${plan.discarded}.`,
    'Baseline and subject alternate; a ratio is the median of the ratios of each round.',
  ];
}

/** What would make the figures say something else than they seem to. */
function warningsOf({ machine, plan, questions }) {
  const warnings = [];
  if (plan.rounds === 1) {
    warnings.push('A quick run shows that the bench works; its figures are those of cold code.');
  }
  const planes = questions.filter(({ id }) => id === 'data-plane');
  if (planes.some(({ rows }) => !rows.some(({ name }) => name === 'attached-python'))) {
    warnings.push('Python with numpy was not found: its rows are missing.');
  }
  const doors = questions.filter(({ id }) => id === 'open-protocol');
  if (doors.some(({ rows }) => !rows.some(({ name }) => name === 'fastapi'))) {
    warnings.push(
      'Python with fastapi, uvicorn and onnxruntime was not found: no rows of FastAPI.',
    );
  }
  if (machine.load_average[0] > 0.5) {
    warnings.push(
      `The load average was ${machine.load_average[0]} at the start: something else ran here. ` +
        'Trust the ratios more than the figures.',
    );
  }
  for (const { rows } of questions) {
    for (const { name, busy } of rows) {
      if (busy > 0.9) {
        warnings.push(`${name}: the generator was busy ${Math.round(busy * 100)} % of the time.`);
      }
    }
  }
  return warnings;
}

async function bench() {
  const { quick: isQuick, only, json, 'no-setup': noSetup } = options();
  if (!noSetup) await setup((line) => process.stderr.write(`  ${line}\n`));
  const { buildGenerator } = await import('../bench/generator.mjs');
  const { describeMachine } = await import('../bench/machine.mjs');
  const { reportLines, reportText } = await import('../bench/report.mjs');
  const { chart } = await import('../bench/chart.mjs');
  const { buildNativeLoad } = await import('../bench/native.mjs');
  await buildGenerator();
  await buildNativeLoad();
  const machine = describeMachine();
  const plan = {
    ...(isQuick ? { ...quick, ...quickIdle } : { ...full, ...fullIdle }),
    cores: machine.cores,
  };
  const run = {
    started_at: new Date().toISOString(),
    machine,
    method: methodOf(plan),
    plan,
    questions: [],
    warnings: [],
  };
  for (const name of only) {
    for (const question of await groups[name]()) {
      process.stderr.write(`  measuring ${question.name} …\n`);
      run.questions.push(await question(plan));
    }
  }
  run.warnings = warningsOf(run);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'latest.json'), `${JSON.stringify(run, null, 2)}\n`);
  writeFileSync(join(folder, 'latest.svg'), chart(run));
  if (json) {
    process.stdout.write(`${reportLines(run)}\n`);
    return;
  }
  process.stdout.write(`\n${reportText(run)}\n`);
  const shown = relative(process.cwd(), folder) || '.';
  process.stdout.write(`${shown}/latest.json, ${shown}/latest.svg\n`);
}

if (isMain(import.meta.url)) await main(bench);
