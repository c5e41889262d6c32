import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { residentBytesOf } from '../daemon/processes.ts';
import { packages } from './packages.ts';
import { type EncoderSize, writeTextEncoder } from './text-encoder.ts';

/*
 * Guards: a model that some ask in tensors and others in words has its weights in memory once; the rest is given
 * back when it goes.
 */
const { pack, daemon } = packages();

const input = { input: 'the cat sat on a mat' };
const row = { shape: [1, 6], dtype: 'int64' };
const tensors = {
  inputs: {
    input_ids: { ...row, data: [5, 6, 7, 8, 9, 10] },
    attention_mask: { ...row, data: [1, 1, 1, 1, 1, 1] },
  },
};

test('tensors and words share one copy of the weights', { timeout: 120_000 }, async (t) => {
  const resident = () =>
    daemon()
      .plugins()
      .reduce((sum, pid) => sum + residentBytesOf(pid), 0);
  const open = async (name: string, size: EncoderSize) => {
    let weights = 0;
    const { reply } = await pack(name, async (folder) => {
      const file = await writeTextEncoder(folder, size);
      weights = statSync(file).size;
      return file;
    });
    const ask = async (body: object) => {
      for (let count = 0; count < 10; count += 1) assert.equal((await reply(body)).status, 200);
    };
    return { weights, ask };
  };
  const warm = await open('warm', { layers: 1, width: 64, heads: 1 });
  await warm.ask(tensors);
  await warm.ask(input);
  const before = resident();
  const { weights, ask } = await open('large', { layers: 12, width: 512, heads: 8 });
  await ask(tensors);
  const loaded = resident();
  await ask(input);
  const both = resident();
  const gone = await daemon().http.send('DELETE', '/models/t-large@1');
  assert.equal(gone.status, 200);
  const times = (bytes: number) => `${(bytes / weights).toFixed(2)} × the weights`;
  t.diagnostic(`loaded ${times(loaded - before)}, asked in words ${times(both - loaded)} more`);
  t.diagnostic(`left when it is gone: ${times(resident() - before)}`);
  assert.ok(loaded - before < 1.5 * weights, times(loaded - before));
  assert.ok(both - loaded < 0.5 * weights, times(both - loaded));
  assert.ok(resident() - before < 0.5 * weights, times(resident() - before));
});
