import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BuildError, compileFlags, findCompiler, run, runParallel } from './native/compile.mjs';
import { root } from './steps.mjs';

/**
 * Sources that are looked at as one: most of the time goes into the headers that they share. Not more at once, so
 * that all cores have work to the end.
 */
const atOnce = 10;

const folder = join(root, 'build/tidy');

/** Without what only makes sense for sources that stand alone; the analyzer takes what is included for headers. */
const together = [
  '--checks=-bugprone-suspicious-include,-google-global-names-in-headers',
  '--extra-arg=-Xclang',
  '--extra-arg=-analyzer-opt-analyze-headers',
];

async function tidy(file, more = []) {
  const checked = ['--quiet', '--warnings-as-errors=*', '--header-filter=native/src/.*[.](h|cc)$'];
  try {
    await run('clang-tidy', [...checked, ...more, file, '--', ...compileFlags()]);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new BuildError('clang-tidy is missing: apt-get install clang-tidy.');
  }
}

/** A source that includes the others. Where two of them use a name for themselves, it does not compile. */
function joined(files, number) {
  const file = join(folder, `${number}.cc`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, files.map((one) => `#include "${join(root, one)}"\n`).join(''));
  return file;
}

let number = 0;

/** Whether no two of them use one name. */
async function compiles(file) {
  try {
    await run(findCompiler(), ['-fsyntax-only', ...compileFlags(), file]);
    return true;
  } catch {
    return false;
  }
}

/** What does not go together is looked at in halves, at last each for itself. */
async function tidyTogether(files) {
  const [only] = files;
  if (files.length === 1) return tidy(only);
  number += 1;
  const whole = joined(files, number);
  if (await compiles(whole)) return tidy(whole, together);
  const half = Math.ceil(files.length / 2);
  await tidyTogether(files.slice(0, half));
  return tidyTogether(files.slice(half));
}

/** Sources of one room together: they use the same headers, and seldom the same names. */
function groups(files) {
  const rooms = new Map();
  for (const file of files) {
    const room = dirname(file);
    rooms.set(room, [...(rooms.get(room) ?? []), file]);
  }
  return [...rooms.values()].flatMap((room) => {
    const parts = Math.ceil(room.length / atOnce);
    const size = Math.ceil(room.length / parts);
    return Array.from({ length: parts }, (_, at) => room.slice(at * size, (at + 1) * size));
  });
}

/**
 * clang-tidy over C++ sources.
 * @param {readonly string[]} files relative to the root
 */
export function tidyNative(files) {
  if (files.length === 0) throw new BuildError('there is no C++ source to look at');
  return runParallel(groups(files).map((group) => () => tidyTogether(group)));
}
