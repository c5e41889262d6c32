import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { GenerationEvent } from '../../protocol/tasks/generation-event.ts';
import { EventsTogether } from './events-together.ts';

const said = (text: string): GenerationEvent => {
  const logprobs = [{ token: text, logprob: -1, top: [] }];
  return { ...{ text, thinking: '', tokens: 1 }, logprobs };
};

test('the first goes out at once, those right behind it together, and none is lost', async () => {
  const out: Readonly<Record<string, unknown>>[] = [];
  const events = new EventsTogether((event) => out.push(event));
  events.add(said('a'));
  assert.deepEqual(out, [{ text: 'a', tokens: 1, logprobs: said('a').logprobs }]);
  for (const text of ['b', 'c', 'd']) events.add(said(text));
  // Nobody adds more: they go out all the same.
  for (let waits = 0; textOf(out) !== 'abcd' && waits < 1000; waits++) await setTimeout(1);
  assert.equal(textOf(out), 'abcd');
  events.add(said('e'));
  events.add(said('f'));
  events.flush();
  assert.equal(textOf(out), 'abcdef');
  events.flush();
  const tokens = out.reduce((sum, event) => sum + (event['tokens'] as number), 0);
  assert.equal(tokens, 6);
  assert.equal(out.flatMap((event) => event['logprobs']).length, 6);
});

function textOf(events: readonly Readonly<Record<string, unknown>>[]): string {
  return events.map((event) => event['text']).join('');
}
