import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { AttachedModel } from '../../../client/attached/attached-model.ts';
import { MlosError } from '../../../protocol/errors.ts';
import { Tensor } from '../../../protocol/tensor.ts';
import { plainModel } from '../../../testing/engine-in-process.ts';
import { RaggedBatches } from './ragged-batches.ts';
import type { TokenRows } from './ragged-rows.ts';

/*
 * Guards: texts of different lengths run together where the model answers the same then, and only there; nobody
 * pays for the fault, the priority or the end of another one.
 */
const int64 = 'int64' as const;
const signature = {
  inputs: ['input_ids', 'attention_mask'].map((name) => ({ name, dtype: int64, shape: [-1, -1] })),
  outputs: [{ name: 'h', dtype: 'float32' as const, shape: [-1, -1, 1] }],
};

type Given = Readonly<Record<string, { shape: number[]; data: BigInt64Array }>>;

/** Answers each token times ten; runs wait until they are let go. */
class FakeModel {
  readonly modelId = 'm/x@1';
  readonly signature = signature;
  /** [rows, tokens] of each run. */
  readonly shapes: number[][] = [];
  readonly priorities: unknown[] = [];
  /** Of models that look at what is filled up, too. */
  looksBehind = false;
  readonly #held: (() => void)[] = [];
  holds = false;

  async infer(given: Given, options: { priority?: unknown }) {
    const { shape = [], data = new BigInt64Array() } = given['input_ids'] ?? {};
    this.shapes.push(shape);
    this.priorities.push(options.priority ?? null);
    if (this.holds) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (data.includes(666n)) throw new MlosError('INFERENCE_FAILED', 'No such token.');
    const width = shape[1] ?? 0;
    const values = Float32Array.from(data, (token, at) => {
      const sum = this.looksBehind ? width / 100 : 0;
      return Number(token) * 10 + sum + (at < 0 ? 1 : 0);
    });
    const h = new Tensor('float32', [...shape, 1], new Uint8Array(values.buffer));
    return { outputs: { h } };
  }

  letGo(): void {
    for (const go of this.#held.splice(0)) go();
  }
}

function text(...tokens: number[]): TokenRows {
  const input_ids = BigInt64Array.from(tokens, BigInt);
  const attention_mask = new BigInt64Array(tokens.length).fill(1n);
  return { rows: 1, tokens: tokens.length, inputs: { input_ids, attention_mask } };
}

const plain = { signal: new AbortController().signal, deadlineUs: null, priority: null };

function batchesOf(model: FakeModel, more: object = {}) {
  const engine = { ...plainModel, batching: 'auto' as const, ...more };
  return new RaggedBatches(model as unknown as AttachedModel, engine, 0n);
}

const answer = async (outputs: Promise<Readonly<Record<string, { values: unknown }>>>) => [
  ...(((await outputs)['h'] as { values: unknown }).values as Float32Array),
];

/** Two texts of different lengths at the same time tell whether they can be one. */
async function tried(model: FakeModel, more: object = {}) {
  const batches = batchesOf(model, more);
  await Promise.all([batches.run(text(1, 2), plain), batches.run(text(3), plain)]);
  await turn();
  model.shapes.splice(0);
  return batches;
}

test('what waits runs together, and each gets its own', async () => {
  const model = new FakeModel();
  const batches = await tried(model);
  model.holds = true;
  const texts = [[1], [2], [3, 4, 5, 6], [7, 8, 9, 10, 11], [12, 13, 14, 15]];
  const answers = texts.map((tokens) => answer(batches.run(text(...tokens), plain)));
  await turn();
  assert.deepEqual(model.shapes, [
    [1, 1],
    [1, 1],
  ]);
  model.holds = false;
  model.letGo();
  assert.deepEqual(
    await Promise.all(answers),
    texts.map((tokens) => tokens.map((token) => token * 10)),
  );
  assert.deepEqual(model.shapes.slice(2), [[3, 5]]);
});

test('a model that answers otherwise is asked one by one for good', async () => {
  const model = new FakeModel();
  model.looksBehind = true;
  const batches = await tried(model);
  assert.equal(batches.mayJoin, false);
  assert.equal(batchesOf(model, { batching: 'off' }).mayJoin, false);
});

test('a text that fails does not fail those beside it', async () => {
  const model = new FakeModel();
  const batches = await tried(model);
  model.holds = true;
  const before = [batches.run(text(1), plain), batches.run(text(1), plain)];
  const bad = batches.run(text(666, 1), plain);
  const good = answer(batches.run(text(2, 3), plain));
  const failed = assert.rejects(bad, { code: 'INFERENCE_FAILED' });
  await turn();
  model.holds = false;
  model.letGo();
  await Promise.all(before);
  await failed;
  assert.deepEqual(await good, [20, 30]);
});

test('very different lengths, and other priorities, are not joined; the urgent go first', async () => {
  const model = new FakeModel();
  const batches = await tried(model);
  model.holds = true;
  const urgent = { ...plain, priority: 'high' as const };
  const long = Array.from({ length: 20 }, (_, at) => at);
  const all = [text(1), text(1), text(2), text(...long), text(3)].map((one, at) =>
    batches.run(one, at === 4 ? urgent : plain),
  );
  await turn();
  model.holds = false;
  model.letGo();
  await Promise.all(all);
  assert.deepEqual(model.shapes.slice(2), [
    [1, 1],
    [1, 1],
    [1, 20],
  ]);
  assert.equal(model.priorities.at(-3), 'high');
});

test('who leaves is told at once, and a full queue is refused', async () => {
  const model = new FakeModel();
  const batches = await tried(model, { maxQueue: 1 });
  model.holds = true;
  const running = [batches.run(text(1), plain), batches.run(text(1), plain)];
  const leaving = new AbortController();
  const gone = batches.run(text(2), { ...plain, signal: leaving.signal });
  await assert.rejects(batches.run(text(3), plain), { code: 'TOO_MANY_REQUESTS' });
  leaving.abort();
  await assert.rejects(gone, { code: 'CANCELLED' });
  const next = answer(batches.run(text(4), plain));
  await turn();
  model.holds = false;
  model.letGo();
  await Promise.all(running);
  assert.deepEqual(await next, [40]);
  assert.equal(model.shapes.length, 3);
});
