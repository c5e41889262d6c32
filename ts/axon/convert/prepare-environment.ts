import fs from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../../protocol/make-folder.ts';
import { AxonError, errnoOf } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { acquireLock } from '../store/lock.ts';
import { type Ended, runChild } from './child.ts';
import { type EnvironmentKind, environmentKey } from './environments.ts';

/*
 * A Python environment that only conversions use, below AXON_HOME/convert.
 * 1. It is made only when the user says so, and once: the note inside is written last.
 * 2. Packages come from where pip's own configuration says, in exactly the versions that are listed.
 */
const noteName = 'axon-ready.json';
const oldestPython = [3, 11] as const;
const lockWaitMs = 30 * 60_000;
const pipLimitMs = 60 * 60_000;

export interface Environment {
  readonly dir: string;
  readonly python: string;
}

export function environmentFor(kind: EnvironmentKind, { env, settings }: Context): Environment {
  const root = env['AXON_CONVERT_DIR'] || path.join(settings.home, 'convert');
  const dir = path.join(root, environmentKey(kind));
  return { dir, python: path.join(dir, 'bin', 'python') };
}

export function isReady({ dir, python }: Environment): boolean {
  return fs.existsSync(path.join(dir, noteName)) && fs.existsSync(python);
}

/** Rule 1. */
export async function prepareEnvironment(
  kind: EnvironmentKind,
  context: Context,
): Promise<Environment> {
  const environment = environmentFor(kind, context);
  const { dir } = environment;
  const { output, signal } = context;
  makeFolder(path.dirname(dir));
  const lock = await acquireLock(`${dir}.lock`, {
    waitMs: lockWaitMs,
    signal,
    onWait: () => output.note(`Another axon prepares ${dir}; waiting for it.`),
  });
  try {
    if (!isReady(environment)) await make(kind, environment, context);
    return environment;
  } finally {
    lock.release();
  }
}

async function make(kind: EnvironmentKind, { dir, python }: Environment, context: Context) {
  const base = context.env['AXON_PYTHON'] || 'python3';
  await requirePython(base, context);
  fs.rmSync(dir, { recursive: true, force: true });
  try {
    context.output.note(`Making the Python environment ${dir}.`);
    requireDone('python -m venv', await call(base, ['-m', 'venv', dir], context));
    context.output.note(`Installing ${kind.packages.join(', ')} with pip; this takes a while.`);
    // Rule 2.
    const pip = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check'];
    requireDone('pip', await call(python, [...pip, ...kind.packages], context));
    fs.writeFileSync(path.join(dir, noteName), JSON.stringify({ packages: kind.packages }));
  } catch (error) {
    fs.rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

function call(
  file: string,
  args: readonly string[],
  { env, signal, cwd }: Context,
): Promise<Ended> {
  return runChild(file, args, { cwd, env, limitMs: pipLimitMs, signal });
}

async function requirePython(base: string, context: Context): Promise<void> {
  const wanted = oldestPython.join('.');
  const missing = (why: string, cause?: unknown) =>
    new AxonError(
      'NO_CONVERTER',
      `${base} ${why}. A conversion needs Python ${wanted} or newer with venv (Debian: apt-get install python3-venv); AXON_PYTHON names another one. \`axon install\` never needs it.`,
      { cause },
    );
  let ended: Ended;
  try {
    ended = await call(base, ['-c', 'import sys, venv; print(*sys.version_info[:2])'], context);
  } catch (error) {
    if (errnoOf(error) === null) throw error;
    throw missing('cannot be run', error);
  }
  const [major = 0, minor = 0] = ended.said.trim().split(' ').map(Number);
  if (ended.status !== 0) throw missing('has no venv');
  if (major !== oldestPython[0] || minor < oldestPython[1]) throw missing(`is ${major}.${minor}`);
}

function requireDone(what: string, { status, said, timedOut }: Ended): void {
  if (status === 0) return;
  const last = said.trim().split('\n').slice(-3).join(' ').slice(-500);
  throw new AxonError(
    'NO_CONVERTER',
    `${what} ${timedOut ? 'did not end in an hour' : 'failed'}: ${last} Nothing was kept. pip's own configuration says where packages come from (\`pip config list\`).`,
  );
}
