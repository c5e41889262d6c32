import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { isMain, main, root, StepError } from './steps.mjs';

/** Tests that run ONNX Runtime in their own process must not report usage to its maker either. */
const quietRuntime = { ORT_DISABLE_TELEMETRY: '1' };

/** Compiled test files below a folder of dist/. */
function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return testFiles(path);
      return entry.name.endsWith('.test.js') ? [path] : [];
    })
    .sort();
}

/**
 * Everything: the C++ tests under the sanitizers, then all of ts/. Arguments narrow it to files whose
 * path contains one of them: `npm test -- doors/ipc`.
 */
export async function test(filters) {
  await setup();
  if (filters.length === 0) {
    const { testNative } = await import('./native-test.mjs');
    await testNative();
    // Both ends of a channel, each on its threads: what only ThreadSanitizer sees.
    await testNative(['--sanitize=thread', 'channel_threads']);
  }
  const all = testFiles(join(root, 'dist'));
  const files =
    filters.length === 0 ? all : all.filter((file) => filters.some((part) => file.includes(part)));
  if (files.length === 0) throw new StepError(`No test file matches ${filters.join(' ')}.`);
  const { status } = spawnSync(
    process.execPath,
    ['--test', '--enable-source-maps', '--test-reporter=spec', '--test-concurrency=2', ...files],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...quietRuntime } },
  );
  if (status !== 0) throw new StepError('Tests failed.');
}

if (isMain(import.meta.url)) {
  await main(() => test(process.argv.slice(2)));
}
