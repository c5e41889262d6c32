import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { isMain, main, root, run, StepError } from './steps.mjs';

const oldestNode = [20, 17];

function checkHost() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    throw new StepError(
      `Node ${oldestNode.join('.')} or newer is needed; this is ${process.versions.node}.`,
    );
  }
  if (process.platform !== 'linux') {
    throw new StepError(`MLOS runs on Linux; this is ${process.platform}.`);
  }
}

/** One small question to the registry that npm is configured for, asked once. */
async function reachesRegistry() {
  const question = ['view', 'typescript', 'name', '--fetch-retries=0', '--fetch-timeout=20000'];
  try {
    await run('npm', [...question, '--loglevel=silent'], { quiet: true });
    return true;
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return false;
  }
}

/** The lock file names every dependency by hash; while it is the same, what is installed is right. */
async function installDependencies(log) {
  const stamp = join(root, 'node_modules', '.mlos-stamp');
  const lock = readFileSync(join(root, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).update(process.versions.modules).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) {
    return log('dependencies: installed already');
  }
  log('dependencies: installing with npm …');
  // Not `npm ci`: it fails where a registry mirror lacks an optional package of another platform.
  // With a lock file `npm install` takes the same versions and checks the same hashes.
  const flags = [
    ...['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    // Without a network npm would try for minutes, in silence; its cache may have everything.
    ...((await reachesRegistry()) ? [] : ['--offline']),
  ];
  await run('npm', ['install', ...flags], {
    quiet: true,
    // Said twice on purpose: a user-level npm configuration may switch install scripts back on.
    env: { ONNXRUNTIME_NODE_INSTALL: 'skip' },
    failure: 'npm install failed: is the package registry reachable? (npm ping tells)',
  });
  writeFileSync(stamp, digest);
}

/** `npx mlos` and `npx axon` work in a checkout as they do for an installed package. */
function linkPrograms() {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const folder = join(root, 'node_modules', '.bin');
  mkdirSync(folder, { recursive: true });
  for (const [name, target] of Object.entries(bin)) {
    rmSync(join(folder, name), { force: true });
    symlinkSync(join('..', '..', target), join(folder, name));
  }
}

/**
 * Everything between a fresh clone and a running program: dependencies, addon, TypeScript.
 * @param {(line: string) => void} log
 */
export async function setup(log = (line) => process.stderr.write(`  ${line}\n`)) {
  checkHost();
  await installDependencies(log);
  await build(log);
  linkPrograms();
}

if (isMain(import.meta.url)) await main(() => setup());
