import assert from 'node:assert/strict';
import { test } from 'node:test';
import { likeliest, logSumExp, Sampler, topTokens } from './sampler.ts';
import type { Sampling } from './settings.ts';

const plain: Sampling = {
  ...{ temperature: 1, topK: 0, topP: 1, minP: 0, typicalP: 1 },
  ...{ repetitionPenalty: 1, lookBack: -1, presencePenalty: 0, frequencyPenalty: 0 },
  ...{ bias: [], seed: 5 },
};
const logits = () => Float32Array.from([0, 1, 2, 3]);

/** How often each token is drawn, of 4,000 draws. */
function shares(sampling: Partial<Sampling>, seen: readonly number[] = []): number[] {
  const sampler = new Sampler({ ...plain, ...sampling });
  const counts = [0, 0, 0, 0];
  for (let draw = 0; draw < 4_000; draw += 1) {
    const token = sampler.next(logits(), seen, 0);
    counts[token] = (counts[token] ?? 0) + 1 / 4_000;
  }
  return counts;
}

function near(actual: readonly number[], expected: readonly number[]): void {
  for (const [index, value] of actual.entries()) {
    assert.ok(Math.abs(value - (expected[index] ?? 0)) < 0.03, `${actual} is not ${expected}`);
  }
}

const softmax = (values: readonly number[]) => {
  const sum = values.reduce((all, value) => all + Math.exp(value), 0);
  return values.map((value) => Math.exp(value) / sum);
};

test('tokens are drawn as often as the softmax says, at any temperature', () => {
  near(shares({}), softmax([0, 1, 2, 3]));
  near(shares({ temperature: 2 }), softmax([0, 0.5, 1, 1.5]));
  assert.deepEqual(shares({ temperature: 0 }), shares({ topK: 1 }));
});

test('unlikely tokens are left out as asked', () => {
  const none = Number.NEGATIVE_INFINITY;
  near(shares({ topK: 2 }), softmax([none, none, 2, 3]));
  // 0.644 and 0.237 together are the first to reach 0.8.
  near(shares({ topP: 0.8 }), softmax([none, none, 2, 3]));
  near(shares({ topP: 0 }), [0, 0, 0, 1]);
  near(shares({ minP: 0.2 }), softmax([none, none, 2, 3]));
  // Surprises of 0.44 and 1.44 lie about the 0.95 that is to be expected; these two have 0.88.
  near(shares({ typicalP: 0.8 }), softmax([none, none, 2, 3]));
});

test('penalties and biases change what is drawn', () => {
  near(shares({ repetitionPenalty: 3 }, [3]), softmax([0, 1, 2, 1]));
  near(shares({ repetitionPenalty: 3, lookBack: 1 }, [3, 2]), softmax([0, 1, 2 / 3, 3]));
  near(shares({ frequencyPenalty: 1, presencePenalty: 0.5 }, [3, 3]), softmax([0, 1, 2, 0.5]));
  near(shares({ bias: [{ token: 0, bias: 100 }] }), [1, 0, 0, 0]);
});

test('a seed gives the same draws again', () => {
  const draws = (seed: number) => {
    const sampler = new Sampler({ ...plain, seed });
    return Array.from({ length: 50 }, () => sampler.next(logits(), [], 0));
  };
  assert.deepEqual(draws(1), draws(1));
  assert.notDeepEqual(draws(1), draws(2));
});

test('the likeliest tokens come first, ties by their numbers', () => {
  const many = Float32Array.from([5, -1, 9, 5, 1000]);
  assert.equal(likeliest(many), 4);
  assert.deepEqual(topTokens(many, 4), [4, 2, 0, 3]);
  assert.deepEqual(topTokens(many, 0), []);
  assert.equal(logSumExp(many), 1000);
});
