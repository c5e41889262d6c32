import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isMain, main, root, run } from './steps.mjs';

/** Compiled files whose source is gone: tests run what lies in dist/, so it must not lie. */
function removeOrphans(folder = '') {
  const dist = join(root, 'dist', folder);
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOrphans(path);
    const source = /^(.*)\.js(\.map)?$/.exec(path)?.[1];
    if (source !== undefined && !existsSync(join(root, 'ts', `${source}.ts`))) {
      rmSync(join(root, 'dist', path));
    }
  }
}

/**
 * Compiles the TypeScript. Incremental.
 * @param {(line: string) => void} log
 */
export async function buildTypeScript(log) {
  log('TypeScript: compiling …');
  removeOrphans();
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], {
    failure: 'The TypeScript does not compile.',
  });
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const file of Object.values(bin)) chmodSync(join(root, file), 0o755);
}

/** @param {(line: string) => void} log */
export async function build(log = (line) => process.stderr.write(`  ${line}\n`)) {
  const { buildNative } = await import('./native-build.mjs');
  await buildNative({ log });
  await buildTypeScript(log);
}

if (isMain(import.meta.url)) await main(() => build());
