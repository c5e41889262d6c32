import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { completionScripts, type Shell } from '../../axon/completion/scripts.ts';
import { tinyGguf } from '../hub-double/tiny-weights.ts';
import { type Home, makeHome } from './run-axon.ts';

const main = fileURLToPath(new URL('../../axon/main.js', import.meta.url));

async function homeWithModel(t: TestContext): Promise<Home> {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.gguf'), tinyGguf());
  for (const id of ['my/net@1', 'my/other@2']) await home.axon('install', './net.gguf', '--as', id);
  return home;
}

/** What is offered for the last word. */
async function offers(home: Home, ...words: string[]): Promise<string[]> {
  const { stdout, status } = await home.axon('__complete', ...words);
  assert.equal(status, 0);
  return stdout.split('\n').filter((line) => line !== '');
}

test('verbs, flags, models, keys, hubs and values, read from the program', async (t) => {
  const home = await homeWithModel(t);
  assert.deepEqual(await offers(home, 'comp'), ['completion']);
  assert.ok((await offers(home, '')).includes('pull'));
  assert.deepEqual(await offers(home, 'config', ''), ['get', 'list', 'set', 'unset']);
  assert.deepEqual(await offers(home, 'config', 'get', 'mlos'), ['mlos.endpoint']);
  assert.deepEqual(await offers(home, 'unregister', 'my/'), ['my/net@1', 'my/other@2']);
  assert.deepEqual(await offers(home, 'register', 'my/net@1', 'my/o'), ['my/other@2']);
  assert.deepEqual(await offers(home, 'install', '--dry'), ['--dry-run']);
  assert.deepEqual(await offers(home, 'install', 'huggin'), ['huggingface/', ':files', ':nospace']);
  assert.deepEqual(await offers(home, 'completion', ''), ['bash', 'fish', 'zsh']);
  assert.deepEqual(await offers(home, 'list', '--format', 'n'), ['names']);
  assert.deepEqual(await offers(home, 'list', '--format=n'), ['--format=names']);
  assert.deepEqual(await offers(home, 'search', 'x', '--hub', 'n'), ['npm']);
  assert.deepEqual(await offers(home, 'install', 'x', '--format', 'o'), ['onnx']);
  assert.deepEqual(await offers(home, 'install', 'x', '--variant', 'q4_k'), ['q4_k_m', 'q4_k_s']);
  assert.ok((await offers(home, 'install', '--variant', '')).includes('plain'));
  assert.deepEqual(await offers(home, 'convert', 'x', '--to', ''), ['onnx']);
  assert.deepEqual(await offers(home, 'run', 'my/net@1', ''), [':files']);
  assert.deepEqual(await offers(home, 'nonsense', ''), []);
});

/** The environment of a shell that has `axon`. */
function shellEnv(home: Home): NodeJS.ProcessEnv {
  const bin = path.join(home.dir, 'bin');
  fs.mkdirSync(bin, { recursive: true });
  fs.writeFileSync(
    path.join(bin, 'axon'),
    `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`,
    {
      mode: 0o755,
    },
  );
  const PATH = `${bin}:${process.env['PATH']}`;
  return { PATH, HOME: home.dir, AXON_HOME: home.dir, TERM: 'xterm', XDG_CONFIG_HOME: home.dir };
}

/** Runs a script in a shell that has `axon` and its completion. */
function inShell(shell: Shell, home: Home, script: string): string {
  const { stdout, stderr, status } = spawnSync(
    shell,
    ['-c', `${completionScripts[shell]}\n${script}`],
    { env: shellEnv(home), cwd: home.dir, encoding: 'utf8', timeout: 60_000 },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout;
}

/** Where everything has to be tested a shell that is missing is a failure. */
const missing = (shell: Shell) =>
  process.env['MLOS_TEST_EVERYTHING'] === '1' || spawnSync(shell, ['-c', 'exit 0']).status === 0
    ? false
    : `no ${shell} here`;

test('bash puts the words in place, past the characters at which it breaks them', {
  skip: missing('bash'),
}, async (t) => {
  const home = await homeWithModel(t);
  // As bash calls it: the line, and the piece behind its last word break.
  const complete = (line: string, piece: string) =>
    `COMP_LINE='${line}' COMP_POINT=${line.length}; _axon axon '${piece}' ''; printf '%s\\n' "\${COMPREPLY[@]}" --`;
  const script = [
    complete('axon unins', 'unins'),
    complete('axon verify my/net@', ''),
    complete('axon verify my/o', 'my/o'),
    complete('axon list --format=js', 'js'),
    complete('axon config get download.m', 'download.m'),
    complete('axon registry add h', 'h'),
  ].join('\n');
  const answers = inShell('bash', home, script).split('--\n');
  assert.deepEqual(
    answers.slice(0, -1).map((answer) => answer.trim().split('\n')),
    [
      ['uninstall'],
      ['1'],
      ['my/other@2'],
      ['json'],
      ['download.max_retries'],
      ['hf', 'huggingface'],
    ],
  );
});

/**
 * What an interactive zsh makes of each line when it is completed: its own editor is asked, which wants a
 * terminal, and does so as soon as it shows its prompt.
 */
function completedByZsh(home: Home, setUp: string, lines: readonly string[]): string[] {
  const answers = path.join(home.dir, 'lines');
  const startUp = `${setUp}
zle-line-init() {
  local line
  for line in ${lines.map((line) => `'${line}'`).join(' ')}; do
    BUFFER=$line CURSOR=\${#line}
    zle complete-word
    print -r -- "\${BUFFER% }" >>${answers}
  done
  exit
}
zle -N zle-line-init
`;
  fs.writeFileSync(path.join(home.dir, '.zshrc'), startUp);
  const terminal = 'zmodload zsh/zpty; zpty shell zsh -i; while zpty -r shell; do :; done';
  const env = { ...shellEnv(home), ZDOTDIR: home.dir };
  const { stdout } = spawnSync('zsh', ['-f', '-c', terminal], {
    env,
    cwd: home.dir,
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.ok(fs.existsSync(answers), stdout);
  return fs.readFileSync(answers, 'utf8').trimEnd().split('\n');
}

test('zsh completes the line that is typed, however it came by the script', {
  skip: missing('zsh'),
}, async (t) => {
  const home = await homeWithModel(t);
  fs.mkdirSync(path.join(home.dir, 'functions'));
  fs.writeFileSync(path.join(home.dir, 'functions/_axon'), completionScripts.zsh);
  for (const setUp of [
    'source ./functions/_axon',
    'autoload -Uz compinit; compinit -u; eval "$(axon completion zsh)"',
    'fpath=(./functions $fpath); autoload -Uz compinit; compinit -u',
  ]) {
    fs.rmSync(path.join(home.dir, 'lines'), { force: true });
    assert.deepEqual(
      completedByZsh(home, setUp, [
        'axon unins',
        'axon verify my/o',
        'axon search x --hub modelsc',
        'axon install huggingf',
        'axon list --format=js',
        'axon install ./net.g',
      ]),
      [
        'axon uninstall',
        'axon verify my/other@2',
        'axon search x --hub modelscope',
        'axon install huggingface/',
        'axon list --format=json',
        'axon install ./net.gguf',
      ],
      setUp,
    );
  }
});

test('fish offers the same', { skip: missing('fish') }, async (t) => {
  const home = await homeWithModel(t);
  const offered = (line: string) =>
    inShell('fish', home, `complete -C '${line}'`).trim().split('\n').sort();
  assert.deepEqual(offered('axon unins'), ['uninstall']);
  assert.deepEqual(offered('axon verify my/'), ['my/net@1', 'my/other@2']);
  assert.deepEqual(offered('axon search x --hub modelsc'), ['modelscope']);
  assert.deepEqual(offered('axon install huggingf'), ['huggingface/']);
  assert.deepEqual(offered('axon list --format '), ['default', 'json', 'names']);
  assert.deepEqual(offered('axon list --format=js'), ['--format=json']);
  assert.deepEqual(offered('axon install ./net.g'), ['./net.gguf']);
});
