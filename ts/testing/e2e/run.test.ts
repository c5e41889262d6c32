import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { runMlos } from '../daemon/run-mlos.ts';
import { bertLikeModel } from '../onnx-models.ts';
import { fakeTasks } from '../tasks/place.ts';

/*
 * Guards: `mlos run` says what the model's task answers, for people and for scripts, and `mlos models show` tells
 * how to ask. The models are the fake plugin's: words said again, the length of a picture.
 */
const watchdog = { timeout: 90_000 };

async function place(t: TestContext) {
  const fake = await fakeTasks(t, 'text-generation');
  await fake.register('f/look@1', 'tasks image-classification');
  await fake.register('f/many@1', 'tasks');
  await fake.register('f/ask@1', 'tasks question-answering');
  const { folder } = fake.place;
  const data = ['--data-dir', fake.daemon.dataFolder];
  const mlos = (args: readonly string[], piped: Uint8Array | string | null = null) =>
    runMlos(folder, [...args, ...data], {}, piped);
  /** What it prints; the test fails where it fails. */
  const says = async (args: readonly string[], piped: Uint8Array | string | null = null) => {
    const { code, stdout, stderr } = await mlos(args, piped);
    assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    return stdout;
  };
  return { ...fake, mlos, says };
}

test('words, files and standard input are the input', watchdog, async (t) => {
  const { place: at, says } = await place(t);
  const picture = await at.file('cat.jpg', new Uint8Array(1_000).fill(255));
  assert.equal(await says(['run', 'f/tasks@1', 'one', 'two three']), 'one two three\n');
  assert.equal(await says(['run', 'f/tasks@1'], 'from a pipe\n'), 'from a pipe\n');
  assert.equal(await says(['run', 'f/tasks@1', '--param', 'max_tokens=2', 'a b c']), 'a b\n');
  const shown = '0.7500  1000 bytes\n0.2500  priority null\n';
  assert.equal(await says(['run', 'f/look@1', picture]), shown);
  assert.equal(await says(['run', 'f/look@1', '--image', picture]), shown);
  assert.match(await says(['run', 'f/look@1'], new Uint8Array(7)), /^0\.7500 {2}7 bytes\n/);
  assert.match(
    await says(['run', 'f/look@1', picture, '--param', 'priority=batch']),
    /0\.2500 {2}priority batch/,
  );
  assert.equal(await says(['run', 'f/ask@1', 'Who?', 'It was me.']), '0.5000  It was me.\n');
  const notes = await at.file('notes.txt', 'It was you.');
  const context = `context=@${notes}`;
  assert.equal(await says(['run', 'f/ask@1', 'Who?', '--param', context]), '0.5000  It was you.\n');
  const embedded = await says(['run', 'f/many@1', '--task', 'feature-extraction', 'four']);
  assert.equal(embedded, '2 numbers: 4.0000 1.0000\n');
  const answer = JSON.parse(
    await says(['run', 'f/look@1', picture, '--json', '--param', 'top_k=1']),
  );
  assert.deepEqual(answer.result, { labels: [{ label: '1000 bytes', score: 0.75 }] });
  assert.equal(answer.task, 'image-classification');
});

test('without a socket it asks over HTTP', watchdog, async (t) => {
  const { place: at, daemon } = await fakeTasks(t, 'text-generation');
  await daemon.end('SIGTERM');
  await at.start({ args: ['--no-ipc'] });
  const { stdout } = await runMlos(at.folder, [
    'run',
    'f/tasks@1',
    'a b',
    '--data-dir',
    join(at.folder, 'data'),
  ]);
  assert.equal(stdout, 'a b\n');
});

test('what is wrong is said, and what would be right', watchdog, async (t) => {
  const { place: at, mlos, daemon } = await place(t);
  const onnx = await at.file('bert.onnx', bertLikeModel());
  const registered = await daemon.http.post('/models/register', {
    model_id: 'f/bert@1',
    path: onnx,
  });
  assert.equal(registered.status, 200, JSON.stringify(registered.body));
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['run', 'f/many@1', 'x'], /several tasks: text-generation, feature-extraction.*--task/],
    [['run', 'f/bert@1', 'x'], /f\/bert@1 has no task, it takes tensors \(input_ids int64/],
    [['run', 'f/tasks@1', '--task', 'fill-mask', 'x'], /cannot do .*"fill-mask".*text-generation/],
    [['run', 'f/none@1', 'x'], /f\/none@1/],
    [['run', 'f/tasks@1'], /text-generation needs "text".*an argument, or through standard input/],
    [['run', 'f/tasks@1', 'x', '--param', 'max_tokens'], /--param max_tokens: expected name=value/],
    [['run', 'f/tasks@1', 'x', '--param', 'max_tokens=-1'], /max_tokens is -1/],
    [['run', 'f/tasks@1', 'x', '--audio', 'a.wav'], /takes no --audio/],
    [['run', 'f/look@1', 'missing.jpg'], /Cannot read missing\.jpg/],
    [['run', 'f/ask@1', 'Who?'], /question-answering needs input "context"/],
    [['run', 'f/tasks@1', 'well fail'], /failed as it was told/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await mlos(args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, /^mlos: /);
    assert.match(stderr, message);
  }
  const json = await mlos(['run', 'f/look@1', 'missing.jpg', '--json']);
  assert.equal(JSON.parse(json.stdout).code, 'INVALID_ARGUMENT');
});

test('models show tells the tasks, with commands that work when pasted', watchdog, async (t) => {
  const { place: at, says } = await place(t);
  const shown = await says(['models', 'show', 'f/many@1']);
  assert.match(shown, /^task {6}text-generation: /m);
  assert.match(shown, /^ {2}reads {3}text \(text\)\?, messages \(messages\)\?$/m);
  assert.match(shown, /^ {2}try {5}mlos run f\/many@1 --task image-classification/m);
  const commands = shown.match(/^ +(?:printf .* \| )?curl .*$/gm) ?? [];
  assert.equal(commands.length, 5);
  for (const command of commands) {
    const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: at.folder });
    assert.equal(JSON.parse(stdout).status, 'success', `${command}\n${stdout}`);
  }
});
