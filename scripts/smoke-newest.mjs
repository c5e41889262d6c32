import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMain, main, root, run, StepError } from './steps.mjs';

/**
 * The smoke test on the newest Node, whose binary npm serves as a package. The addon and the compiled
 * TypeScript are those that the oldest supported Node built: one ABI, one build.
 */
async function smokeNewest() {
  const version = (
    await run('npm', ['view', 'node', 'version', '--loglevel=error'], { quiet: true })
  )
    .trim()
    .split('\n')
    .at(-1);
  const folder = join(root, '.cache', 'node', version);
  const binary = join(folder, 'package', 'bin', 'node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    const name = `node-linux-${process.arch}@${version}`;
    await run('npm', ['pack', name, '--pack-destination', folder, '--loglevel=error'], {
      quiet: true,
    });
    const archive = readdirSync(folder).find((file) => file.endsWith('.tgz'));
    if (archive === undefined) throw new StepError(`npm pack ${name} brought no archive.`);
    await run('tar', ['-xzf', join(folder, archive), '-C', folder]);
  }
  await run(binary, [join(root, 'scripts', 'smoke.mjs')]);
  // What only a newer Node can do.
  await run(binary, ['--test', join(root, 'dist', 'testing', 'axon', 'oci-zstd.test.js')]);
}

if (isMain(import.meta.url)) await main(smokeNewest);
