import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commonFlags, findCompiler } from '../scripts/native/compile.mjs';
import { root, run } from '../scripts/steps.mjs';

const folder = join(root, '.cache', 'bench');
const source = fileURLToPath(new URL('generator.cc', import.meta.url));
const program = join(folder, 'generator');

/** Compiles the load generator, once per version of its source. */
export async function buildGenerator() {
  mkdirSync(folder, { recursive: true });
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return;
  await run(findCompiler(), [...commonFlags, '-O2', '-o', program, source], {
    quiet: true,
    failure: 'The load generator (bench/generator.cc) does not compile.',
  });
}

let files = 0;

/**
 * A closed loop of prepared bytes, in its own process.
 * @param {{ door: ['tcp', number] | ['unix', string], reply: 'http' | 'frame', request: Buffer,
 *   connections: number, seconds: number, warmupSeconds: number }} load
 * @returns {Promise<{ requests: number, total: number, rps: number, p50: number, p95: number,
 *   p99: number, busy: number }>} times in µs
 */
export async function generate({ door, reply, request, connections, seconds, warmupSeconds }) {
  const file = join(folder, `request-${process.pid}-${files++ % 16}`);
  writeFileSync(file, request);
  const args = [...door, reply, file, connections, warmupSeconds, seconds].map(String);
  return JSON.parse(await run(program, args, { quiet: true }));
}

/**
 * An HTTP/1.1 request as bytes; `headers` beside those that every body has.
 * @param {string} verb @param {string} path @param {string | Buffer} body
 * @param {Record<string, string | number>} headers
 */
export function httpRequest(
  verb,
  path,
  body = '',
  headers = { 'Content-Type': 'application/json' },
) {
  const head = [`${verb} ${path} HTTP/1.1`, 'Host: 127.0.0.1'];
  if (body.length > 0) {
    const all = { ...headers, 'Content-Length': Buffer.byteLength(body) };
    head.push(...Object.entries(all).map(([name, value]) => `${name}: ${value}`));
  }
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}
