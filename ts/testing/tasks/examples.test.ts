import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { runMlos } from '../daemon/run-mlos.ts';
import { mlosProgram } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { matMulModel } from '../onnx-models.ts';
import { pictureModels, writeTinyPictures } from './tiny-picture-model.ts';
import { writeTinySound } from './tiny-sound-model.ts';
import { type TinyText, writeTinyText } from './tiny-text-model.ts';

/*
 * Guards: the command that a model shows for a task works when it is pasted, with real models; and what `mlos run` shows of their answers.
 */
const watchdog = { timeout: 120_000 };
const run = promisify(execFile);

const bert = (kind: string) => `BertFor${kind}`;
const packages: Readonly<Record<string, TinyText>> = {
  embed: { head: 'hidden', architecture: 'BertModel' },
  label: {
    head: 'sequence',
    architecture: bert('SequenceClassification'),
    labels: ['joy', 'anger', 'fear'],
  },
  entail: {
    head: 'sequence',
    architecture: bert('SequenceClassification'),
    labels: ['contradiction', 'neutral', 'entailment'],
  },
  rank: { head: 'sequence', architecture: bert('SequenceClassification'), labels: ['LABEL_0'] },
  words: { head: 'tokens', architecture: bert('TokenClassification'), labels: ['O', 'B-LOC'] },
  gaps: { head: 'tokens', architecture: bert('MaskedLM') },
  spans: { head: 'spans', architecture: bert('QuestionAnswering') },
};

async function start(t: TestContext, args: readonly string[] = []) {
  const place = await openPlace(t);
  const daemon = await place.start({ args });
  const client = await daemon.connect();
  const register = async (name: string, write: (folder: string) => Promise<string>) => {
    const path = await write(join(place.folder, name));
    const id = `t/${name}@1`;
    const { model } = await client.call('models.register', { model_id: id, path });
    return model.tasks.map((task) => ({ id, ...task }));
  };
  const tasks: Awaited<ReturnType<typeof register>> = [];
  for (const [name, about] of Object.entries(packages)) {
    tasks.push(...(await register(name, (folder) => writeTinyText(folder, about))));
  }
  for (const kind of ['classifier', 'embedder', 'detector', 'segmenter', 'matcher'] as const) {
    tasks.push(
      ...(await register(kind, (folder) => writeTinyPictures(folder, pictureModels[kind]))),
    );
  }
  for (const kind of ['speech', 'sounds'] as const) {
    tasks.push(...(await register(kind, (folder) => writeTinySound(folder, kind))));
  }
  return { place, daemon, tasks };
}

test('each command works when it is pasted', watchdog, async (t) => {
  const { place, daemon, tasks } = await start(t);
  const names = [...new Set(tasks.map(({ name }) => name))].sort();
  assert.deepEqual(names, [
    'audio-classification',
    'automatic-speech-recognition',
    'feature-extraction',
    'fill-mask',
    'image-classification',
    'image-feature-extraction',
    'image-segmentation',
    'object-detection',
    'question-answering',
    'text-classification',
    'text-ranking',
    'token-classification',
    'zero-shot-classification',
    'zero-shot-image-classification',
  ]);
  for (const { name, example, outputs } of tasks) {
    const { stdout } = await run('sh', ['-c', example], { cwd: place.folder });
    const { status, task, result } = JSON.parse(stdout);
    assert.deepEqual([status, task], ['success', name], `${example}\n${stdout}`);
    // It holds what the model says that it does.
    const [one] = [result].flat();
    const known = outputs.map((output) => output.name);
    const sure = outputs.filter(({ required }) => required).map((output) => output.name);
    assert.deepEqual(
      sure.filter((key) => !Object.hasOwn(one, key)),
      [],
      stdout,
    );
    assert.deepEqual(
      Object.keys(one).filter((key) => !known.includes(key)),
      [],
      stdout,
    );
  }
  await mkdir(join(place.folder, 'plain'));
  const path = join(place.folder, 'plain/model.onnx');
  await writeFile(path, matMulModel(4, 3));
  const registered = await daemon.http.post('/models/register', { model_id: 't/plain@1', path });
  const { stdout: zeros } = await run('sh', ['-c', registered.body.model.example]);
  assert.equal(JSON.parse(zeros).status, 'success', zeros);
  const says = async (...args: string[]) => {
    const data = ['--data-dir', daemon.dataFolder];
    const { code, stdout, stderr } = await runMlos(place.folder, ['run', ...args, ...data]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  assert.match(await says('t/label@1', 'nice'), /^0\.\d{4} {2}(joy|anger|fear)$/m);
  assert.match(
    await says('t/embed@1', 'nice'),
    /^8 numbers: (-?\d\.\d{4} ){6}… \(--json has all\)/,
  );
  assert.match(await says('t/spans@1', 'where', 'the cat in paris'), /^0\.\d{4} {2}/);
  assert.match(await says('t/rank@1', 'cat', 'a mat', 'the cat'), /^-?\d\.\d{4} {2}[01] {2}/);
  const labels = ['--param', 'candidate_labels=cat,paris'];
  const chosen = await says(
    't/entail@1',
    '--task',
    'zero-shot-classification',
    ...labels,
    'the cat',
  );
  assert.match(chosen, /^0\.\d{4} {2}(cat|paris)\n0\.\d{4} {2}(cat|paris)\n$/);
  // The line that is shown needs an input only.
  const data = ['--data-dir', daemon.dataFolder];
  const shown = await runMlos(place.folder, ['models', 'show', 't/entail@1', ...data]);
  const [, line = ''] =
    /try {5}mlos (run \S+ --task zero-shot-classification .*)/.exec(shown.stdout) ?? [];
  const tried = await runMlos(place.folder, [...line.split(' '), 'the cat']);
  assert.deepEqual([tried.code, tried.stderr], [0, ''], line);
  assert.match(tried.stdout, /^0\.\d{4} {2}(phone|food)\n0\.\d{4} {2}(phone|food)\n$/);
  const bare = ['run', 't/entail@1', '--task', 'zero-shot-classification', 'the cat', ...data];
  const { code, stderr } = await runMlos(place.folder, bare);
  assert.equal(code, 1);
  assert.match(stderr, /needs "candidate_labels": give it as --param candidate_labels=phone,food/);
});

test('where there is no HTTP, it is the command line that is shown', watchdog, async (t) => {
  const { place, daemon, tasks } = await start(t, ['--no-http', '--no-grpc']);
  const environment = { ...process.env, MLOS_API_IPC_SOCKET_PATH: daemon.socketPath };
  for (const { example } of tasks) {
    assert.match(example, /(?:^| \| )mlos run t\//);
    const command = `mlos() { '${process.execPath}' '${mlosProgram}' "$@"; }; ${example} --json`;
    const { stdout } = await run('sh', ['-c', command], { cwd: place.folder, env: environment });
    assert.equal(JSON.parse(stdout).status, 'success', `${example}\n${stdout}`);
  }
});
