import { compileFlags, runParallel } from './native/compile.mjs';
import { run } from './steps.mjs';

/**
 * clang-tidy over C++ sources, several at a time: one takes seconds, mostly in system headers.
 * @param {readonly string[]} files relative to the root
 */
export function tidyNative(files) {
  return runParallel(
    files.map(
      (file) => () =>
        run('clang-tidy', ['--quiet', '--warnings-as-errors=*', file, '--', ...compileFlags()], {
          quiet: true,
          failure: `clang-tidy is missing or not content with ${file}: apt-get install clang-tidy.`,
        }),
    ),
  );
}
