import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { root } from '../steps.mjs';
import {
  BuildError,
  compileFlags,
  compileObjects,
  findCompiler,
  listSources,
  onPath,
  parallelJobs,
  resolvePackage,
  run,
} from './compile.mjs';

/** The three ways to build the addon. */
const require = createRequire(import.meta.url);
export const output = path.join(root, 'build/Release/mlos.node');
export const directFlags = ['-O2', '-DNDEBUG', '-fPIC', '-fvisibility-inlines-hidden'];

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

export const ways = {
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
export function chooseWays(wanted) {
  if (wanted === undefined) return Object.keys(ways).filter((name) => !ways[name].missing());
  if (!Object.hasOwn(ways, wanted)) {
    throw new BuildError(`--with must be one of ${Object.keys(ways).join(', ')}, not ${wanted}`);
  }
  const missing = ways[wanted].missing();
  if (missing) throw new BuildError(`--with=${wanted} needs ${missing}, which was not found`);
  return [wanted];
}
