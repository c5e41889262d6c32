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

/** The three ways to build the addon and the library of the C API. */
const require = createRequire(import.meta.url);
export const output = path.join(root, 'build/Release/mlos.node');
export const libraryOutput = path.join(root, 'build/Release/libmlos.so');
export const directFlags = ['-O2', '-DNDEBUG', '-fPIC', '-fvisibility-inlines-hidden'];

/** Puts a finished file in place at once: a process that has the old one loaded keeps it. */
function install(file, place) {
  fs.mkdirSync(path.dirname(place), { recursive: true });
  const temporary = `${place}.${process.pid}`;
  fs.copyFileSync(file, temporary);
  fs.renameSync(temporary, place);
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
  install(path.join(folder, 'Release/mlos.node'), output);
  install(path.join(folder, 'Release/libmlos.so'), libraryOutput);
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
  install(path.join(root, 'build/Release/mlos_c.node'), libraryOutput);
}

/** With `strict` false a warning does not end the build: this is the last resort of a machine whose
 * compiler is newer than any that was tried. */
async function buildDirectly(log, { strict }) {
  const compiler = findCompiler();
  const extra = (process.env.CXXFLAGS ?? '').split(/\s+/).filter((flag) => flag !== '');
  const flags = [...compileFlags(), ...directFlags, ...extra];
  if (!strict) flags.push('-Wno-error');
  const folder = path.join(root, 'build/direct');
  const sources = listSources();
  const objects = await compileObjects({ compiler, flags, sources, folder, log });
  const link = async (place, wanted, special) => {
    const name = path.basename(place);
    log(`link ${name}`);
    const linked = path.join(folder, name);
    const linkFlags = ['-shared', '-pthread', '-Wl,-z,relro,-z,now', ...special, ...extra];
    const chosen = objects.filter((_, i) => wanted(sources[i]));
    await run(compiler, [...linkFlags, ...chosen, '-ldl', '-o', linked]);
    install(linked, place);
  };
  await link(output, (source) => !source.includes('/capi/'), []);
  await link(libraryOutput, (source) => /\/src\/(base|shm|capi)\//.test(source), [
    '-Wl,-soname,libmlos.so.0',
    `-Wl,--version-script=${path.join(root, 'native/src/capi/libmlos.map')}`,
  ]);
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
