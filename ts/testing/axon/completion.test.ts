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
  assert.deepEqual(await offers(home, 'run', 'my/net@1', ''), [':files']);
  assert.deepEqual(await offers(home, 'nonsense', ''), []);
});

/** Runs a script in a shell that has `axon` and its completion. */
function inShell(shell: Shell, home: Home, script: string): string {
  const bin = path.join(home.dir, 'bin');
  fs.mkdirSync(bin, { recursive: true });
  fs.writeFileSync(
    path.join(bin, 'axon'),
    `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`,
    {
      mode: 0o755,
    },
  );
  const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: home.dir, AXON_HOME: home.dir };
  const { stdout, stderr, status } = spawnSync(
    shell,
    ['-c', `${completionScripts[shell]}\n${script}`],
    { env, cwd: home.dir, encoding: 'utf8', timeout: 60_000 },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout;
}

const missing = (shell: Shell) =>
  spawnSync(shell, ['-c', 'exit 0']).status === 0 ? false : `no ${shell} here`;

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

test('zsh takes the script', { skip: missing('zsh') }, async (t) => {
  const home = await homeWithModel(t);
  const script = `compdef() { :; }; compadd() { print -l -- "\${(@P)argv[-1]}"; }; _files() { :; }
words=(axon verify my/o); CURRENT=3; _axon`;
  assert.equal(inShell('zsh', home, script.replace('compdef() { :; }; ', '')).trim(), 'my/other@2');
});

test('fish takes the script', { skip: missing('fish') }, async (t) => {
  const home = await homeWithModel(t);
  assert.equal(inShell('fish', home, "complete -C 'axon verify my/o'").trim(), 'my/other@2');
});
