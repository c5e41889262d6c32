import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineStatsWire } from '../../protocol/methods/engine.ts';
import { packages } from './packages.ts';
import { writeTextEncoder } from './text-encoder.ts';

/*
 * Guards: texts of different lengths that many apps ask at the same time run together, and each gets the numbers
 * that the library gives it alone.
 */
const { pack, daemon } = packages();
const words = 'hello mlos the cat sat on a mat in paris is nice very'.split(' ');
const texts = Array.from({ length: 24 }, (_, index) =>
  Array.from({ length: 3 + index }, (_word, at) => words[(index * 7 + at * 5) % 13]).join(' '),
);

test('texts of different lengths at once have the embeddings that they have alone', {
  timeout: 120_000,
}, async () => {
  const size = { layers: 2, width: 64, heads: 2 };
  const { ask, reference } = await pack('encoder', (folder) => writeTextEncoder(folder, size));
  const embed = await reference('feature-extraction');
  const how = { pooling: 'mean', normalize: true };
  const expected = new Map<string, number[]>();
  for (const text of texts) expected.set(text, (await embed(text, how)).tolist()[0]);
  const check = async (input: string) => {
    const { embedding, tokens } = await ask({ input });
    assert.equal(tokens, input.split(' ').length + 2);
    for (const [at, value] of (expected.get(input) as number[]).entries()) {
      assert.ok(Math.abs(value - embedding[at]) < 1e-5, `${input}: ${at}`);
    }
  };
  for (let round = 0; round < 10; round += 1) await Promise.all(texts.map(check));
  const { body } = await daemon().http.get('/stats/engine');
  const models = (body as EngineStatsWire).processes.flatMap((process) => process.models);
  const runs = models.find(({ model_id: id }) => id === 't/encoder@1');
  // 240 texts in far fewer runs.
  assert.ok((runs?.requests ?? 0) < 200, JSON.stringify(runs));
});
