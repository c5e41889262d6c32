import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildTypeScript } from './build.mjs';
import { isMain, main, root, StepError } from './steps.mjs';

async function generatedFiles() {
  const { generatedSources } = await import('./generate/checks.mjs');
  const { openApi } = await import('./generate/openapi.mjs');
  const pages = await import('./generate/markdown.mjs');
  const { manifestJsonSchema } = await import('../dist/protocol/manifest-schema.js');
  const { tasksPage } = await import('./generate/tasks-page.mjs');
  const { protobufFiles } = await import('./generate/protobuf.mjs');
  const numbers = readOrNull(join(root, 'proto/mlos/v1/numbers.lock')) ?? '';
  return [
    ...generatedSources(),
    ...protobufFiles(numbers),
    { path: 'docs/openapi.json', content: openApi() },
    { path: 'docs/errors.md', content: pages.errorsPage() },
    { path: 'docs/methods.md', content: pages.methodsPage() },
    { path: 'docs/tasks.md', content: tasksPage() },
    { path: 'docs/configuration.md', content: pages.configurationPage() },
    { path: 'docs/manifest.schema.json', content: manifestJsonSchema() },
  ];
}

function readOrNull(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Files derived from the one place of each fact. `check` compares instead of writing; CI runs that,
 * so none can drift.
 * @param {{ check: boolean }} options
 */
export async function generate({ check }) {
  const stale = [];
  for (const { path, content } of await generatedFiles()) {
    const file = join(root, path);
    if (readOrNull(file) === content) continue;
    stale.push(path);
    if (check) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  if (check && stale.length > 0) {
    throw new StepError(`Not current: ${stale.join(', ')}. Run npm run generate.`);
  }
  // What was compiled for the generator holds the sources as they were before.
  if (stale.some((path) => path.startsWith('ts/'))) await buildTypeScript(() => undefined);
  process.stderr.write(
    stale.length === 0 ? '  generated files: current\n' : `  written: ${stale.join(', ')}\n`,
  );
}

if (isMain(import.meta.url)) {
  await main(async () => {
    await buildTypeScript(() => undefined);
    await generate({ check: process.argv.includes('--check') });
  });
}
