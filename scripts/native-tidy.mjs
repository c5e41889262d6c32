import { join } from 'node:path';
import { root, run } from './steps.mjs';

/** Two at a time: one file takes seconds, mostly in system headers. */
const workers = 2;

/** @param {readonly string[]} files C++ sources, relative to the root. */
export async function tidyNative(files) {
  const { compileFlags } = await import('./native-build.mjs');
  const queue = [...files];
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      await run('clang-tidy', ['--quiet', '--warnings-as-errors=*', file, '--', ...compileFlags()], {
        quiet: true,
        failure: `clang-tidy is missing or not content with ${file}: apt-get install clang-tidy.`,
      });
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

