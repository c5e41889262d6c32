import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteBudget } from '../byte-budget.ts';
import { BodyCollector } from './body.ts';

test('a body: the limit is collected, one past it is refused and lets everything go', () => {
  const budget = new ByteBudget(100);
  const fits = new BodyCollector(4, budget);
  assert.equal(fits.push(Buffer.from('ab')), null);
  assert.equal(fits.push(Buffer.from('cd')), null);
  assert.equal(fits.take().toString(), 'abcd');
  const over = new BodyCollector(4, budget);
  assert.equal(over.push(Buffer.from('ab')), null);
  assert.equal(over.push(Buffer.from('cde'))?.code, 'PAYLOAD_TOO_LARGE');
  assert.equal(budget.held, 0);
});

test('all bodies together: the budget is shared, and free again after take or drop', () => {
  const budget = new ByteBudget(5);
  const first = new BodyCollector(4, budget);
  const second = new BodyCollector(4, budget);
  assert.equal(first.push(Buffer.from('abcd')), null);
  assert.equal(second.push(Buffer.from('xy'))?.code, 'TOO_MANY_REQUESTS');
  first.drop();
  first.drop();
  assert.equal(budget.held, 0);
  const third = new BodyCollector(4, budget);
  assert.equal(third.push(Buffer.from('abcd')), null);
  assert.equal(third.take().length, 4);
  assert.equal(budget.held, 0);
});

test('memory follows what has arrived, not what was announced', () => {
  const budget = new ByteBudget(1_000);
  const bodies = new BodyCollector(1_000, budget, 1_000);
  assert.equal(bodies.push(Buffer.from('abcd')), null);
  assert.equal(budget.held, 8);
  assert.equal(bodies.push(Buffer.alloc(496)), null);
  assert.equal(budget.held, 1_000);
  assert.equal(bodies.take().length, 500);
  assert.equal(budget.held, 0);
});
