import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

const main = fileURLToPath(new URL('../../axon/main.js', import.meta.url));

/** A line of a shell in which $AXON is the program; what its streams lead to is part of the line. */
function shell({ dir }: Home, line: string) {
  const env = {
    ...{ PATH: process.env['PATH'], HOME: dir, AXON_HOME: dir },
    AXON: `${process.execPath} ${main}`,
  };
  const { status, stderr } = spawnSync('sh', ['-c', line], { env, cwd: dir, encoding: 'utf8' });
  return { status, stderr };
}

test('a result that cannot be written is an error of the list, and no trace of the program', (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), tinyOnnx());
  for (const line of ['list', 'list --json', '--help', 'install ./net.onnx']) {
    const ended = shell(home, `$AXON ${line} > /dev/full`);
    assert.equal(ended.status, 19, ended.stderr);
    assert.match(ended.stderr, /answer cannot be written to stdout: ENOSPC/);
    assert.doesNotMatch(ended.stderr, /node:|at .*main\.js/);
  }
  assert.equal(shell(home, '$AXON verify my/net@1 2> /dev/full').status, 17);
  assert.equal(shell(home, '$AXON verify my/net@1 --json > /dev/full').status, 17);
  assert.deepEqual(shell(home, '$AXON list | true'), { status: 0, stderr: '' });
});

test('a limit on the size of files is named, and what was begun is taken away', async (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), tinyOnnx());
  assert.equal((await home.axon('install', './net.onnx', '--as', 'my/net@1')).status, 0);
  const large = shell(home, 'ulimit -f 4; $AXON pack my/net@1 -o net.axon');
  assert.equal(large.status, 19, large.stderr);
  assert.match(large.stderr, /no file so large.*ulimit/);
  const none = shell(home, '(ulimit -f 0; exec $AXON keygen) 2>&1 | grep -q "no file so large"');
  assert.equal(none.status, 0);
  assert.deepEqual(
    fs.readdirSync(home.dir).filter((name) => /pem|axon/.test(name)),
    [],
  );
});
