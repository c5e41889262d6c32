// Builds the native addon, build/Release/mlos.node, and the library of the C API beside it,
// libmlos.so, without any download.
//
//   node scripts/native-build.mjs [--with=cmake|gyp|direct] [--force]
//
// Three ways, the first that this machine has the tools for: cmake-js (CMake and make or ninja),
// node-gyp (Python 3 and make), or the C++ compiler alone. All read native/sources.txt.

import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { BuildError, commonFlags, findCompiler, hashOf, readText } from './native/compile.mjs';
import { finishLibrary, isLibraryFinished } from './native/library.mjs';
import { chooseWays, directFlags, output, ways } from './native/ways.mjs';
import { isMain, main, root } from './steps.mjs';

const stampFile = `${output}.stamp`;
const require = createRequire(import.meta.url);

/** Everything but system headers that decides what is built. */
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
  const lists = ['sources.txt', 'CMakeLists.txt', 'libmlos.cmake'].map((name) => `native/${name}`);
  for (const name of [...lists, 'binding.gyp']) files.push(path.join(root, name));
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
 * Builds the addon and libmlos.so unless they are up to date.
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
  const isThere = fs.existsSync(output) && isLibraryFinished();
  if (!options.force && isThere && stamp[0] === hash && sameWay) {
    log(`up to date (built with ${stamp[1]})`);
    return { output, way: stamp[1], built: false };
  }
  findCompiler();
  const candidates = chooseWays(options.with);
  if (options.force) removeObjects();
  const started = performance.now();
  fs.rmSync(stampFile, { force: true });
  const way = await buildSomehow(candidates, log);
  finishLibrary();
  fs.writeFileSync(stampFile, `${hash} ${way}`);
  log(
    `built ${path.relative(root, output)} and libmlos.so in ${((performance.now() - started) / 1000).toFixed(1)} s`,
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

if (isMain(import.meta.url)) {
  await main(async () => {
    await buildNative(parseArguments(process.argv.slice(2)));
  });
}
