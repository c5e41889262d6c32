import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Spans } from './spans.ts';

test('spans join where they touch or overlap, and the frontier is the first of them', () => {
  const spans = new Spans();
  assert.equal(spans.frontier, 0);
  spans.add({ start: 10, end: 20 });
  spans.add({ start: 30, end: 40 });
  assert.deepEqual([spans.frontier, spans.bytes], [0, 20]);
  spans.add({ start: 20, end: 30 });
  assert.deepEqual(spans.list, [{ start: 10, end: 40 }]);
  spans.add({ start: 0, end: 15 });
  spans.add({ start: 5, end: 5 });
  assert.deepEqual([spans.list, spans.frontier], [[{ start: 0, end: 40 }], 40]);
});

test('gaps are what is missing, in pieces', () => {
  const spans = new Spans([
    { start: 10, end: 20 },
    { start: 45, end: 50 },
  ]);
  assert.deepEqual(spans.gaps({ start: 0, end: 60 }, 20), [
    { start: 0, end: 10 },
    { start: 20, end: 40 },
    { start: 40, end: 45 },
    { start: 50, end: 60 },
  ]);
  assert.deepEqual(spans.gaps({ start: 12, end: 18 }), []);
  assert.deepEqual(spans.gaps({ start: 15, end: 47 }), [{ start: 20, end: 45 }]);
});

test('whatever is added in whatever order: spans and gaps make up the whole', () => {
  const size = 64;
  for (let round = 0; round < 200; round++) {
    const spans = new Spans();
    const there = new Set<number>();
    for (let i = 0; i < 8; i++) {
      const start = (round * 31 + i * 17) % size;
      const end = Math.min(size, start + ((round * 7 + i * 5) % 13));
      spans.add({ start, end });
      for (let at = start; at < end; at++) there.add(at);
    }
    const missing = spans.gaps({ start: 0, end: size }, 5);
    for (const { start, end } of missing)
      for (let at = start; at < end; at++) assert.ok(!there.has(at), `${at} is there`);
    const count = missing.reduce((sum, { start, end }) => sum + end - start, 0);
    assert.equal(count + there.size, size);
    assert.equal(spans.bytes, there.size);
  }
});
