// Builds and runs the C++ tests of the native core, without Node and with AddressSanitizer and
// UndefinedBehaviorSanitizer.
//
//   node scripts/native-test.mjs [--sanitize=address|thread|none] [part of a test's name]
//
// The last line is "N passed, N failed"; the exit code is 0 when none failed.

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import {
  BuildError,
  commonFlags,
  compileObjects,
  findCompiler,
  listSources,
  resolvePackage,
  run,
} from './native/compile.mjs';
import { isMain, main, root } from './steps.mjs';

const sanitizers = {
  address: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
  thread: ['-fsanitize=thread'],
  none: [],
};

const isCore = (source) => !source.includes('/napi/') && !source.endsWith('/addon.cc');

function listTests() {
  const names = fs.readdirSync(path.join(root, 'native/test')).sort();
  return names
    .filter((name) => name.endsWith('.cc') && !name.startsWith('fake_'))
    .map((name) => `native/test/${name}`);
}

/** The stand-in for NVIDIA's library; without a sanitizer, so that Node can load it too. */
export async function buildFakeNvml(log = () => {}) {
  const compiler = findCompiler();
  const folder = path.join(root, 'build/test');
  const flags = [...commonFlags, '-O1', '-fPIC'];
  const sources = ['native/test/fake_nvml.cc'];
  const objects = await compileObjects({ compiler, flags, sources, folder, log });
  const library = path.join(folder, 'libfake_nvml.so');
  await linkIfOlder(compiler, ['-shared'], objects, library);
  return library;
}

/** A client that breaks every rule (native/test/hostile), for tests against a real daemon. */
export async function buildHostileClient(log = () => {}) {
  const compiler = findCompiler();
  const folder = path.join(root, 'build/test/hostile');
  const own = fs.readdirSync(path.join(root, 'native/test/hostile')).sort();
  const room = /\/src\/(base|shm)\/|\/capi\/(daemon_connection|error_codes|msgpack)\.cc$/;
  const sources = [
    ...own.filter((name) => name.endsWith('.cc')).map((name) => `native/test/hostile/${name}`),
    ...listSources().filter((source) => room.test(source)),
  ];
  const flags = [...commonFlags, '-O2', '-Inative/src', '-Inative/test/hostile'];
  const objects = await compileObjects({ compiler, flags, sources, folder, log });
  const program = path.join(folder, 'hostile_client');
  await linkIfOlder(compiler, ['-pthread'], objects, program);
  return program;
}

async function linkIfOlder(compiler, flags, objects, output) {
  const built = fs.statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (objects.every((object) => fs.statSync(object).mtimeMs < built)) return;
  await run(compiler, [...objects, ...flags, '-o', output]);
}

async function buildTests(sanitizer, log) {
  const compiler = findCompiler();
  const folder = path.join(root, `build/test/${sanitizer}`);
  // Lines for the sanitizers' stacks, and no more: it compiles in less than half the time of -O1 -g.
  const debug = ['-Og', '-g1', '-fno-omit-frame-pointer'];
  const flags = [...commonFlags, ...sanitizers[sanitizer], ...debug];
  const sources = [...listSources().filter(isCore), ...listTests()];
  const objects = await compileObjects({
    compiler,
    flags: [...flags, '-Inative/src', '-Inative/test'],
    sources,
    folder,
    log,
  });
  const program = path.join(folder, 'mlos_tests');
  await linkIfOlder(compiler, [...sanitizers[sanitizer], '-pthread', '-ldl'], objects, program);
  return program;
}

/** ONNX Runtime as onnxruntime-node ships it for this machine; the tests fail without it. */
function findOrt() {
  const folder = path.join(resolvePackage('onnxruntime-node') ?? '', 'bin');
  const napi = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const file = `linux/${process.arch}/libonnxruntime.so.1`;
  return napi.map((name) => path.join(folder, name, file)).find((name) => fs.existsSync(name));
}

function runTests(program, args, library) {
  return new Promise((resolve, reject) => {
    const own = {
      MLOS_FAKE_NVML: library,
      MLOS_ORT_LIBRARY: findOrt() ?? '',
      ORT_DISABLE_TELEMETRY: '1',
    };
    const races = path.join(root, 'native/test/races.supp');
    const env = { TSAN_OPTIONS: `suppressions=${races}`, ...process.env, ...own };
    const child = spawn(program, args, { env, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal !== null) process.stdout.write(`killed by ${signal}\n0 passed, 1 failed\n`);
      resolve(code ?? 1);
    });
  });
}

/**
 * Builds and runs the C++ tests; throws where one fails.
 * @param {readonly string[]} args
 */
export async function testNative(args = []) {
  const option = args.find((arg) => arg.startsWith('--sanitize='));
  const sanitizer = option?.slice('--sanitize='.length) ?? 'address';
  if (!Object.hasOwn(sanitizers, sanitizer)) {
    throw new BuildError(`--sanitize must be one of ${Object.keys(sanitizers).join(', ')}`);
  }
  const log = (line) => process.stderr.write(`native: ${line}\n`);
  const library = await buildFakeNvml(log);
  const program = await buildTests(sanitizer, log);
  const names = args.filter((arg) => !arg.startsWith('--'));
  const code = await runTests(program, names, library);
  if (code !== 0) throw new BuildError('The C++ tests failed.');
}

if (isMain(import.meta.url)) await main(() => testNative(process.argv.slice(2)));
