import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counter, histogram, metricsPage } from './family.ts';

test('a label is written so that no value can end its line or begin another', async () => {
  const name = 'a"} 1\nevil{x="\\';
  const { text } = await metricsPage([
    counter('c_total', 'two\nlines', [{ labels: { model: name }, value: 3 }]),
  ]);
  assert.deepEqual(text.trimEnd().split('\n'), [
    '# HELP c_total two\\nlines',
    '# TYPE c_total counter',
    'c_total{model="a\\"} 1\\nevil{x=\\"\\\\"} 3',
  ]);
});

test('a histogram counts up to its open bucket, which is its count', async () => {
  const samples = [{ labels: { model: 'm' }, buckets: [1, 0, 2], sum: 7.5 }];
  const { text } = await metricsPage([histogram('h', 'help', [1, 2], samples)]);
  assert.deepEqual(text.trimEnd().split('\n').slice(2), [
    'h_bucket{model="m",le="1"} 1',
    'h_bucket{model="m",le="2"} 1',
    'h_bucket{model="m",le="+Inf"} 3',
    'h_sum{model="m"} 7.5',
    'h_count{model="m"} 3',
  ]);
});
