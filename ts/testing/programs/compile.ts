import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../house/tree.ts';
import { run } from './run.ts';
import { orSkip } from './skip.ts';

/** Where libmlos.so and its pkg-config file lie. */
export const release = join(root, 'build/Release');
const environment = { PKG_CONFIG_PATH: join(release, 'pkgconfig') };
const hasTools = ['cc', 'pkg-config'].every(
  (tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0,
);
/** For tests that compile C: why they cannot, or false. */
export const skip = hasTools ? false : orSkip('no C compiler, or no pkg-config');

/** Compiles a program with what pkg-config says of libmlos; any warning fails. */
export async function compile(source: string, program: string): Promise<string> {
  const asked = await run('pkg-config', ['--cflags', '--libs', 'mlos'], { env: environment });
  assert.equal(asked.code, 0, asked.stderr);
  const flags = [...asked.stdout.trim().split(/\s+/), `-Wl,-rpath,${release}`];
  const strict = ['-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-O2'];
  const { code, stderr } = await run('cc', [...strict, source, '-o', program, ...flags]);
  assert.equal(code, 0, stderr);
  return program;
}
