// Builds the native addon, build/Release/mlos.node, without any download.
//
//   node scripts/native-build.mjs [--with=cmake|gyp|direct] [--force]
//
// Three ways, the first that this machine has the tools for: cmake-js (CMake and make or ninja),
// node-gyp (Python 3 and make), or the C++ compiler alone. All read native/sources.txt.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const output = path.join(root, 'build/Release/mlos.node');
const stampFile = path.join(root, 'build/Release/mlos.node.stamp');
const require = createRequire(import.meta.url);

export const warningFlags = ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror'];
export const commonFlags = ['-std=c++20', ...warningFlags, '-fvisibility=hidden', '-pthread'];
const directFlags = ['-O2', '-DNDEBUG', '-fPIC', '-fvisibility-inlines-hidden'];
const parallelJobs = 2;

/** An error whose message alone is meant for the person at the terminal. */
export class BuildError extends Error {}

/** Source files of the addon, relative to the repository. */
export function listSources() {
  const text = fs.readFileSync(path.join(root, 'native/sources.txt'), 'utf8');
  return text.split('\n').filter((line) => line !== '');
}

/** The first of the names that is a program on the PATH, or null. */
function onPath(...names) {
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

const hashOf = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
};

const hashFile = (file) => (fs.existsSync(file) ? hashOf(fs.readFileSync(file)) : 'absent');

const readText = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null);

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

/** Everything but system headers that decides what the addon becomes. */
function inputHash() {
  const files = [];
  const walk = (folder) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) walk(file);
      else files.push(file);
    }
  };
  walk(path.join(root, 'native/src'));
  for (const name of ['native/sources.txt', 'native/CMakeLists.txt', 'binding.gyp']) {
    files.push(path.join(root, name));
  }
  const settings = JSON.stringify([
    process.arch,
    process.env.CXX ?? '',
    process.env.CXXFLAGS ?? '',
    commonFlags,
    directFlags,
    require('node-addon-api/package.json').version,
  ]);
  return hashOf(settings, ...files.sort().flatMap((file) => [file, fs.readFileSync(file)]));
}

function resolvePackage(name) {
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

/** Puts a finished file in place at once: a process that has the old one loaded keeps it. */
function install(file) {
  fs.mkdirSync(path.dirname(output), { recursive: true });
  const temporary = `${output}.${process.pid}`;
  fs.copyFileSync(file, temporary);
  fs.renameSync(temporary, output);
}

const nodeFirst = () => ({
  ...process.env,
  // Tools that start `node` shall get the one that runs this script.
  PATH: `${path.dirname(process.execPath)}:${process.env.PATH ?? ''}`,
});

async function buildWithCmake() {
  const tool = path.join(resolvePackage('cmake-js'), 'bin/cmake-js');
  const folder = path.join(root, 'build/cmake');
  const args = ['compile', '--directory', path.join(root, 'native'), '--out', folder];
  args.push('--target', 'mlos', '--parallel', String(parallelJobs));
  await run(process.execPath, [tool, ...args], { env: nodeFirst() });
  install(path.join(folder, 'Release/mlos.node'));
}

/** node-gyp wants a folder with Node's headers and build settings; a package manager's Node has
 * one, and otherwise the little that a Node-API addon needs of it is written here. */
function findNodeFolder() {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  const complete = ['node_api.h', 'common.gypi', 'config.gypi'].every((name) =>
    fs.existsSync(path.join(prefix, 'include/node', name)),
  );
  if (complete) return prefix;
  const folder = path.join(root, 'build/nodedir');
  const include = path.join(folder, 'include/node');
  fs.mkdirSync(include, { recursive: true });
  fs.cpSync(require('node-api-headers').include_dir, include, { recursive: true });
  const variables = JSON.stringify({ variables: process.config.variables });
  fs.writeFileSync(path.join(include, 'config.gypi'), variables);
  fs.writeFileSync(path.join(include, 'common.gypi'), commonGypi);
  return folder;
}

const commonGypi = `{
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': { 'Release': { 'cflags': ['-O2', '-DNDEBUG'] }, 'Debug': {} },
    'cflags': ['-fPIC', '-pthread'],
  },
}
`;

async function buildWithGyp() {
  const tool = path.join(resolvePackage('node-gyp'), 'bin/node-gyp.js');
  const args = ['configure', 'build', '--release', `--nodedir=${findNodeFolder()}`];
  args.push(`--jobs=${parallelJobs}`);
  await run(process.execPath, [tool, ...args], { env: nodeFirst() });
}

/** With `strict` false a warning does not end the build: this is the last resort of a machine whose
 * compiler is newer than any that was tried. */
async function buildDirectly(log, { strict }) {
  const compiler = findCompiler();
  const extra = (process.env.CXXFLAGS ?? '').split(/\s+/).filter((flag) => flag !== '');
  const flags = [...compileFlags(), ...directFlags, ...extra];
  if (!strict) flags.push('-Wno-error');
  const folder = path.join(root, 'build/direct');
  const objects = await compileObjects({ compiler, flags, sources: listSources(), folder, log });
  log('link mlos.node');
  const linked = path.join(folder, 'mlos.node');
  const linkFlags = ['-shared', '-pthread', '-Wl,-z,relro,-z,now', ...extra];
  await run(compiler, [...linkFlags, ...objects, '-ldl', '-o', linked]);
  install(linked);
}

const ways = {
  cmake: {
    missing: () =>
      (onPath('cmake') === null && 'cmake') ||
      (onPath('ninja', 'make') === null && 'make') ||
      (resolvePackage('cmake-js') === null && 'the package cmake-js'),
    build: buildWithCmake,
  },
  gyp: {
    missing: () =>
      (onPath('python3') === null && 'python3') ||
      (onPath('make') === null && 'make') ||
      (resolvePackage('node-gyp') === null && 'the package node-gyp'),
    build: buildWithGyp,
  },
  direct: { missing: () => false, build: buildDirectly },
};

/** The ways to try, in order. */
function chooseWays(wanted) {
  if (wanted === undefined) return Object.keys(ways).filter((name) => !ways[name].missing());
  if (!Object.hasOwn(ways, wanted)) {
    throw new BuildError(`--with must be one of ${Object.keys(ways).join(', ')}, not ${wanted}`);
  }
  const missing = ways[wanted].missing();
  if (missing) throw new BuildError(`--with=${wanted} needs ${missing}, which was not found`);
  return [wanted];
}

function removeObjects() {
  for (const name of ['cmake', 'direct', 'Release/obj.target']) {
    fs.rmSync(path.join(root, 'build', name), { recursive: true, force: true });
  }
}

/** Builds in the first way that works, and returns its name. */
async function buildSomehow(names, log) {
  for (const [i, name] of names.entries()) {
    try {
      log(`building with ${name}`);
      await ways[name].build(log, { strict: i === 0 });
      return name;
    } catch (error) {
      if (!(error instanceof BuildError) || i === names.length - 1) throw error;
      log(`${error.message}; trying another way`);
    }
  }
  throw new BuildError('no way to build was given');
}

/**
 * Builds the addon unless it is up to date.
 * @param {{with?: "cmake" | "gyp" | "direct", force?: boolean, log?: (line: string) => void}} options
 * @returns {Promise<{output: string, way: string, built: boolean}>}
 * @throws {BuildError}
 */
export async function buildNative(options = {}) {
  const log = options.log ?? ((line) => process.stderr.write(`native: ${line}\n`));
  if (process.platform !== 'linux') throw new BuildError('MLOS runs on Linux only');
  const hash = inputHash();
  const stamp = readText(stampFile)?.split(' ') ?? [];
  const sameWay = options.with === undefined || stamp[1] === options.with;
  if (!options.force && fs.existsSync(output) && stamp[0] === hash && sameWay) {
    log(`up to date (built with ${stamp[1]})`);
    return { output, way: stamp[1], built: false };
  }
  findCompiler();
  const candidates = chooseWays(options.with);
  if (options.force) removeObjects();
  const started = performance.now();
  fs.rmSync(stampFile, { force: true });
  const way = await buildSomehow(candidates, log);
  fs.writeFileSync(stampFile, `${hash} ${way}`);
  log(
    `built ${path.relative(root, output)} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  return { output, way, built: true };
}

function parseArguments(args) {
  const options = {};
  for (const arg of args) {
    if (arg === '--force') options.force = true;
    else if (arg.startsWith('--with=')) options.with = arg.slice('--with='.length);
    else
      throw new BuildError(
        `unknown argument ${arg}; known are --with=cmake|gyp|direct and --force`,
      );
  }
  return options;
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await buildNative(parseArguments(process.argv.slice(2)));
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`native: ${error.message}\n`);
    process.exitCode = 1;
  }
}
