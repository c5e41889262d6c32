import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../plugin/fake-clock.ts';
import { KeepAlive } from './keep-alive.ts';
import type { Lifecycle } from './lifecycle.ts';

/* Guards: when a model goes, and when it does not. */
function place(defaultMs = -1) {
  const clock = new FakeClock();
  const unloaded: string[] = [];
  const held = new Set<string>();
  const lifecycle = {
    change: (id: string, task: (held: object) => Promise<unknown>) =>
      task({
        unload: async () => {
          unloaded.push(id);
        },
      }),
  } as unknown as Lifecycle;
  const keepAlive = new KeepAlive({
    ...{ lifecycle, clock, defaultMs, isHeld: (id: string) => held.has(id) },
    onFault: (_, fault) => assert.fail(String(fault)),
  });
  return { clock, unloaded, held, keepAlive };
}

function request(): { readonly work: () => Promise<void>; end: () => void } {
  let end: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { work: () => promise, end };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('it goes when its time is over, counted from the end of the last request', async () => {
  const { clock, unloaded, keepAlive } = place();
  keepAlive.set('m', 100);
  const { work, end } = request();
  const asked = keepAlive.during('m', work);
  clock.advance(1_000);
  assert.deepEqual(unloaded, []);
  assert.equal(keepAlive.expiresAt('m'), clock.now() + 100);
  end();
  await asked;
  await turn();
  clock.advance(60);
  keepAlive.during('m', () => 'now');
  clock.advance(60);
  assert.deepEqual(unloaded, []);
  clock.advance(40);
  assert.deepEqual(unloaded, ['m']);
  // Rule 3: loaded again by a request, it goes again.
  keepAlive.during('m', () => 'now');
  clock.advance(100);
  assert.deepEqual(unloaded, ['m', 'm']);
});

test('a request that fails ends, too', async () => {
  const { clock, unloaded, keepAlive } = place();
  keepAlive.set('m', 100);
  assert.throws(() => keepAlive.during('m', () => assert.fail('at once')));
  const later = keepAlive.during('m', async () => assert.fail('later'));
  await assert.rejects(later);
  await turn();
  clock.advance(100);
  assert.deepEqual(unloaded, ['m']);
});

test('below 0 it stays, and the last word counts', () => {
  const { clock, unloaded, keepAlive } = place();
  keepAlive.set('m', 100);
  keepAlive.set('m', -1);
  assert.equal(keepAlive.expiresAt('m'), null);
  clock.advance(1_000);
  keepAlive.set('m', 500);
  keepAlive.set('m', 100);
  clock.advance(100);
  assert.deepEqual(unloaded, ['m']);
  keepAlive.set('n', 100);
  keepAlive.forget('n');
  clock.advance(1_000);
  assert.deepEqual(unloaded, ['m']);
  assert.deepEqual(clock.pending, []);
});

test('what is held stays, and goes when its time is over after that', () => {
  const { clock, unloaded, held, keepAlive } = place();
  held.add('m');
  keepAlive.set('m', 100);
  clock.advance(350);
  assert.deepEqual(unloaded, []);
  held.delete('m');
  clock.advance(100);
  assert.deepEqual(unloaded, ['m']);
});

test('the default is for models of which nothing was said', () => {
  const { clock, unloaded, keepAlive } = place(100);
  keepAlive.during('m', () => 'now');
  keepAlive.touch('n');
  keepAlive.set('o', -1);
  keepAlive.during('o', () => 'now');
  clock.advance(1_000);
  assert.deepEqual(unloaded, ['m', 'n']);
});
