import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BuildError, compileFlags, findCompiler, run, runParallel } from './native/compile.mjs';
import { root } from './steps.mjs';

/**
 * Sources that are looked at as one: most of the time goes into the headers that they share. Not more at once, so
 * that all cores have work to the end.
 */
const atOnce = 24;

const folder = join(root, 'build/tidy');

/**
 * Sources after one another use the same headers again. The analyzer looks as deep as ever, but takes so many steps
 * in one function as its own quick mode does: beyond them it spends most of its time and finds nothing more here.
 */
const together = [
  '--checks=-readability-duplicate-include',
  '--extra-arg=-Xclang',
  '--extra-arg=-analyzer-config',
  '--extra-arg=-Xclang',
  '--extra-arg=max-nodes=75000',
];

async function tidy(file, more = []) {
  const checked = ['--quiet', '--warnings-as-errors=*', '--header-filter=native/src/.*[.]h$'];
  try {
    await run('clang-tidy', [...checked, ...more, file, '--', ...compileFlags()]);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new BuildError('clang-tidy is missing: apt-get install clang-tidy.');
  }
}

/**
 * A source that is the others after one another: what is only included counts as a header to the analyzer, which
 * then leaves it out. Where two of them use a name for themselves, it does not compile.
 */
function joined(files, number) {
  const file = join(folder, `${number}.cc`);
  mkdirSync(folder, { recursive: true });
  const starts = [];
  let text = '';
  let lines = 0;
  for (const source of files) {
    const piece = readFileSync(join(root, source), 'utf8');
    starts.push({ source, before: lines });
    text += piece;
    lines += piece.split('\n').length - 1;
  }
  writeFileSync(file, text);
  return { file, starts };
}

/** The places in a joined source, as those in the sources that it is made of. */
function placesIn({ file, starts }, text) {
  return text.replaceAll(new RegExp(`${file.replaceAll('.', '[.]')}:([0-9]+)`, 'g'), (_, at) => {
    const line = Number(at);
    const { source, before } = starts.findLast((start) => start.before < line);
    return `${join(root, source)}:${line - before}`;
  });
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
  if (await compiles(whole.file)) {
    try {
      return await tidy(whole.file, together);
    } catch (error) {
      throw new BuildError(placesIn(whole, error.message), { cause: error });
    }
  }
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
