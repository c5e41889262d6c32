import assert from 'node:assert/strict';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { projectFiles, read } from './tree.ts';

/*
 * What a program loads it pays for at every start, in time and in memory. The schema library is the
 * largest by far and its work is done when the code is generated, so no program may reach it.
 */
const programs = [
  /^ts\/daemon\/main\.ts$/,
  /^ts\/daemon\/cli\/.*\.ts$/,
  /^ts\/axon\/main\.ts$/,
  /^ts\/client\/(?:client|http-client)\.ts$/,
  /^ts\/smi\/serve\.ts$/,
  /^ts\/plugins\/[\w-]+\/main\.ts$/,
];

/** What a file loads when it runs, at once or later: type imports are gone by then. */
function loads(file: string): string[] {
  const text = read(file).replaceAll(/\b(?:import|export) type [^;]*;/g, '');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, target = '']) =>
    target.startsWith('.') ? normalize(join(dirname(file), target)) : target,
  );
}

test('no program loads the schema library', () => {
  const queue = projectFiles(/^ts\/.*\.ts$/).filter(
    (file) => !file.endsWith('.test.ts') && programs.some((program) => program.test(file)),
  );
  assert.ok(queue.length > programs.length, 'the programs are not where this test looks for them');
  const seen = new Map(queue.map((file) => [file, file]));
  const wrong: string[] = [];
  for (const file of queue) {
    for (const target of loads(file)) {
      const way = `${seen.get(file)} → ${target}`;
      if (/^typebox\b/.test(target)) wrong.push(way);
      if (!target.startsWith('ts/') || !target.endsWith('.ts') || seen.has(target)) continue;
      seen.set(target, way);
      queue.push(target);
    }
  }
  assert.ok(seen.has('ts/protocol/generated/methods.ts'), 'the walk does not reach the table');
  assert.deepEqual(wrong, []);
});
