import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { root, StepError } from '../steps.mjs';

/** The compiler: how it is found, with which flags it is called, and when there is nothing to do. */
const require = createRequire(import.meta.url);

export const warningFlags = ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror'];
export const commonFlags = ['-std=c++20', ...warningFlags, '-fvisibility=hidden', '-pthread'];
export const parallelJobs = 2;

/** An error whose message alone is meant for the person at the terminal. */
export class BuildError extends StepError {}

/** Source files of the addon, relative to the repository. */
export function listSources() {
  const text = fs.readFileSync(path.join(root, 'native/sources.txt'), 'utf8');
  return text.split('\n').filter((line) => line !== '');
}

/** The first of the names that is a program on the PATH, or null. */
export function onPath(...names) {
  const folders = (process.env.PATH ?? '').split(':').filter((folder) => folder !== '');
  for (const name of names) {
    if (name.includes('/')) return fs.existsSync(name) ? name : null;
    for (const folder of folders) {
      try {
        fs.accessSync(path.join(folder, name), fs.constants.X_OK);
        return path.join(folder, name);
      } catch {
        // not in this folder
      }
    }
  }
  return null;
}

/** The C++ compiler: $CXX, g++ or clang++. */
export function findCompiler() {
  const wanted = process.env.CXX;
  const found = wanted ? onPath(wanted) : onPath('g++', 'clang++', 'c++');
  if (found === null) {
    const what = wanted
      ? `The C++ compiler ${wanted} (from $CXX) was not found`
      : 'No C++ compiler was found';
    throw new BuildError(`${what}; install one, on Debian and Ubuntu with: apt-get install g++`);
  }
  return found;
}

/** Runs a program and returns what it printed; its output is shown only if it fails. */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const text = Buffer.concat(chunks).toString();
      if (code === 0) return resolve(text);
      const name = path.basename(program);
      reject(
        new BuildError(`${text.trimEnd()}\n${name} failed (${signal ?? `exit code ${code}`})`),
      );
    });
  });
}

/** Runs at most `parallelJobs` of the tasks at a time. */
export async function runParallel(tasks) {
  const queue = [...tasks];
  const worker = async () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) await task();
  };
  await Promise.all(Array.from({ length: parallelJobs }, worker));
}

export const hashOf = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
};

const hashFile = (file) => (fs.existsSync(file) ? hashOf(fs.readFileSync(file)) : 'absent');

export const readText = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null);

/** The files that a compiler's dependency file (-MMD) names. */
function readDependencies(file) {
  const text = readText(file);
  if (text === null) return null;
  const list = text.slice(text.indexOf(':') + 1).replaceAll('\\\n', ' ');
  return list.split(/\s+/).filter((name) => name !== '');
}

/** The hash under which an object file is up to date, or null when it was never compiled. */
function objectHash(object, command) {
  const dependencies = readDependencies(`${object}.d`);
  if (dependencies === null || !fs.existsSync(object)) return null;
  return hashOf(command, ...dependencies.map((file) => hashFile(path.resolve(root, file))));
}

/** Compiles sources into `folder`, those whose text, headers or flags changed; returns objects. */
export async function compileObjects({ compiler, flags, sources, folder, log }) {
  fs.mkdirSync(folder, { recursive: true });
  const objects = sources.map((source) => path.join(folder, `${source.replaceAll('/', '__')}.o`));
  const tasks = sources.map((source, i) => async () => {
    const object = objects[i];
    const command = [compiler, ...flags, '-c', source].join(' ');
    if (readText(`${object}.stamp`) === (objectHash(object, command) ?? '')) return;
    log(`compile ${source}`);
    await run(compiler, [...flags, '-MMD', '-MF', `${object}.d`, '-c', source, '-o', object]);
    fs.writeFileSync(`${object}.stamp`, objectHash(object, command));
  });
  await runParallel(tasks);
  return objects;
}

/** Folder of an installed package, or null. */
export function resolvePackage(name) {
  try {
    return path.dirname(require.resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}

/** What any tool needs to understand a source of the addon, seen from the repository's root. */
export function compileFlags() {
  const headers = [resolvePackage('node-addon-api'), require('node-api-headers').include_dir];
  const includes = ['-Inative/src', ...headers.flatMap((folder) => ['-isystem', folder])];
  return [...commonFlags, ...includes];
}
