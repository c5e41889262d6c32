import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { productVersion } from '../../protocol/version.ts';
import { projectFiles, read, root } from './tree.ts';

const maxLines = 300;
const maxTestLines = 600;
const maxFileBytes = 300 * 1024;

test('a file is one thing: none grows past its limit', () => {
  const long = projectFiles(/\.(ts|mjs|cc|h|py)$/).flatMap((file) => {
    const lines = read(file).split('\n').length;
    const isTest = file.includes('.test.') || file.startsWith('native/test/');
    return lines > (isTest ? maxTestLines : maxLines) ? [`${file}: ${lines} lines`] : [];
  });
  assert.deepEqual(long, []);
});

test('no large file is tracked: models and results do not belong here', () => {
  const large = projectFiles(/./).filter(
    (file) => statSync(join(root, file)).size > maxFileBytes && file !== 'package-lock.json',
  );
  assert.deepEqual(large, []);
});

test('nothing is left for later in the code', () => {
  const mark = new RegExp(
    `\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${'X'.repeat(3)})\\b`,
  );
  const left = projectFiles(/\.(ts|mjs|cc|h|py|sh)$/).filter((file) => mark.test(read(file)));
  assert.deepEqual(left, []);
});

test('every limit is enforced somewhere', async () => {
  const { limits } = await import('../../protocol/limits.ts');
  const code = projectFiles(/^ts\/.*\.ts$/)
    .filter((file) => !file.endsWith('.test.ts') && file !== 'ts/protocol/limits.ts')
    .map(read)
    .join('\n');
  const unused = Object.keys(limits).filter(
    (name) => !new RegExp(`\\.${name}\\b|\\b${name}[,\\s}]`).test(code),
  );
  assert.deepEqual(unused, []);
});

test('process.exit has its places', () => {
  const exits = new Set(['ts/daemon/cli/serve.ts']);
  const wrong = projectFiles(/^ts\/(?!testing\/).*\.ts$/).filter(
    (file) =>
      !file.endsWith('.test.ts') &&
      /process\.exit\(/.test(read(file)) &&
      !exits.has(file) &&
      !/\/main\.ts$|-probe\.ts$|^ts\/smi\//.test(file),
  );
  assert.deepEqual(wrong, []);
});

test('every Markdown page has one title and no broken relative link', () => {
  const broken: string[] = [];
  for (const file of projectFiles(/\.md$/)) {
    const text = read(file);
    const prose = text.replaceAll(/```[\s\S]*?```/g, '');
    const titles = prose.split('\n').filter((line) => line.startsWith('# ')).length;
    if (titles !== 1) broken.push(`${file}: ${titles} titles`);
    for (const [, link = ''] of prose.matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      try {
        statSync(join(root, file, '..', link));
      } catch {
        broken.push(`${file}: ${link}`);
      }
    }
  }
  assert.deepEqual(broken, []);
});

test('the version stands in one place, and package.json agrees', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  assert.equal(version, productVersion);
  assert.match(
    read('CHANGELOG.md'),
    new RegExp(`^## ${productVersion.replaceAll('.', '\\.')}`, 'm'),
  );
});

test('every error code is documented, and every documented code exists', async () => {
  const { errorCodeNames } = await import('../../protocol/error-codes.ts');
  const page = read('docs/errors.md');
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(documented, [...errorCodeNames]);
});

test('dependencies are pinned to exact versions', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^(npm:@?[\w./-]+@)?\d+\.\d+\.\d+[\w.-]*$/.test(version),
  );
  assert.deepEqual(loose, []);
});
