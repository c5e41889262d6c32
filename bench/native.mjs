import { mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  commonFlags,
  compileObjects,
  findCompiler,
  listSources,
} from '../scripts/native/compile.mjs';
import { root, run } from '../scripts/steps.mjs';

/** The native load generator (bench/native/load.cc): how it is built and asked. */
const folder = join(root, '.cache', 'bench');
const program = join(folder, 'load');
const require = createRequire(import.meta.url);

/** The runtime that the installed onnxruntime-node brings. */
function runtimeLibrary() {
  const bin = join(dirname(require.resolve('onnxruntime-node/package.json')), 'bin');
  const version = readdirSync(bin).find((name) => name.startsWith('napi-'));
  return join(bin, version, 'linux', process.arch, 'libonnxruntime.so.1');
}

/** What it is made of: itself, the runtime's C ABI, and the C library's sources. */
function sources() {
  const own = readdirSync(join(root, 'bench/native')).filter((name) => name.endsWith('.cc'));
  const core = listSources().filter((source) => /\/src\/(base|shm|ort|capi)\//.test(source));
  return [...own.map((name) => `bench/native/${name}`), ...core];
}

export async function buildNativeLoad() {
  mkdirSync(folder, { recursive: true });
  const compiler = findCompiler();
  const flags = [...commonFlags, '-O2', '-DNDEBUG', '-Inative/src', '-Ibench/native'];
  const objects = await compileObjects({
    compiler,
    flags,
    sources: sources(),
    folder: join(folder, 'objects'),
    log: () => undefined,
  });
  await run(compiler, [...objects, '-pthread', '-ldl', '-o', program], {
    quiet: true,
    failure: 'The native load generator (bench/native) does not link.',
  });
}

/**
 * One measurement in a process of its own. `mode`: run, attached, many, pipelined or ping-pong.
 * @returns {Promise<{ requests: number, total: number, rps: number, p50: number, p95: number, p99: number }>}
 *   times in µs
 */
export async function nativeLoad(question) {
  const { mode, model, socketPath, clients, depth, seconds, warmupSeconds, intervalMs } = question;
  // Several attached clients of one thread are another program than one that waits.
  const actual = mode === 'attached' && clients > 1 ? 'many' : mode;
  const args = {
    mode: actual,
    shape: model.shape.join('x'),
    file: model.file,
    model: model.id,
    library: runtimeLibrary(),
    socket: socketPath,
    clients,
    depth,
    seconds,
    warmup: warmupSeconds,
    interval_ms: intervalMs,
  };
  const given = Object.entries(args).filter(([, value]) => value !== undefined);
  const text = await run(
    program,
    given.map(([key, value]) => `${key}=${value}`),
    { quiet: true },
  );
  return JSON.parse(text);
}
