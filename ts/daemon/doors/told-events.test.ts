import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestContext } from '../request-context.ts';
import { ToldEvents } from './told-events.ts';

// Guards: who is slow to take events gets their texts whole, and holds few of them.

async function all(told: ToldEvents) {
  const events = [];
  for await (const event of told.events()) events.push(event);
  return events;
}

test('what waits is joined, and nothing of it is lost', async () => {
  const context = new RequestContext('http');
  let finish: (value: unknown) => void = () => undefined;
  const told = new ToldEvents(context, () => {
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  const words = Array.from({ length: 10_000 }, (_, index) => `${index} `);
  for (const text of words) {
    const logprobs = [{ token: text, logprob: 0, top: [] }];
    context.onEvent?.({ text, tokens: 1, thinking: 'h', logprobs });
  }
  await told.begun;
  finish('done');
  const events = await all(told);
  assert.ok(events.length <= 64, String(events.length));
  assert.equal(events.map(({ text }) => text).join(''), words.join(''));
  assert.equal(events.map(({ thinking }) => thinking).join('').length, words.length);
  assert.equal(
    events.reduce((sum, { tokens }) => sum + tokens, 0),
    words.length,
  );
  assert.equal(events.flatMap(({ logprobs }) => logprobs).length, words.length);
  assert.equal(await told.result, 'done');
});

test('an error before the first event is the beginning, a later one the end', async () => {
  const early = new ToldEvents(new RequestContext('http'), () => {
    throw new Error('at once');
  });
  await assert.rejects(early.begun, /at once/);
  const context = new RequestContext('http');
  const late = new ToldEvents(context, async () => {
    context.onEvent?.({ text: 'a' });
    await Promise.resolve();
    throw new Error('later');
  });
  await late.begun;
  assert.deepEqual(
    (await all(late)).map(({ text }) => text),
    ['a'],
  );
  await assert.rejects(late.result, /later/);
});
