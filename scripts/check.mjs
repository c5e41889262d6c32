import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from './generate.mjs';
import { setup } from './setup.mjs';
import { isMain, main, root, run } from './steps.mjs';

/** C++ sources and headers that git tracks or would track. */
async function nativeFiles(pattern) {
  const listed = await run(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', 'native'],
    { quiet: true },
  );
  return listed.split('\n').filter((file) => pattern.test(file) && existsSync(join(root, file)));
}

const aptHint = 'apt-get install clang-format clang-tidy (version 14, as in Debian 12)';

/** Everything that CI checks beside the tests. Fails at the first thing that is not as it should be. */
export async function check() {
  const say = (line) => process.stderr.write(`  ${line}\n`);
  await setup(say);
  say('biome …');
  await run(join(root, 'node_modules/.bin/biome'), ['check', '--error-on-warnings', '.'], {
    failure: 'Biome is not content; npm run format mends the form.',
  });
  await generate({ check: true });
  say('clang-format …');
  await run('clang-format', ['--dry-run', '-Werror', ...(await nativeFiles(/\.(cc|h)$/))], {
    failure: `clang-format is missing or not content: ${aptHint}.`,
  });
  say('clang-tidy …');
  const { tidyNative } = await import('./native-tidy.mjs');
  await tidyNative(await nativeFiles(/^native\/src\/.*\.cc$/));
  say('all checks passed');
}

if (isMain(import.meta.url)) await main(check);
