import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { infer, registerModel } from '../daemon/models.ts';
import { becomes, commandOf } from '../daemon/processes.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { identityModel, slowModel } from '../onnx-models.ts';

/*
 * Guards: what the daemon has acknowledged is there after kill -9 at any moment, what it had started
 * is gone within a second, and it comes up again by itself on what it finds. MLOS_CRASH_ROUNDS sets
 * how often; MLOS_CRASH_SEED repeats a run.
 */
const rounds = Number(process.env['MLOS_CRASH_ROUNDS'] ?? 100);
const seed = Number(process.env['MLOS_CRASH_SEED'] ?? Date.now() % 1_000_000);
/** What a killed daemon had started is gone within this; a promise, held against the median. */
const orphanMs = 1_000;
/** Processes that are left after this long are orphans; a stalled machine alone takes seconds. */
const goneMs = 10_000;
/** From the start command to ready; a promise, held against the median. */
const readyMs = 3_000;
const workers = 4;
const idsPerWorker = 20;

/** mulberry32 */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What one id must be: its last acknowledged description (null: none), or the one under way. */
interface Expected {
  acknowledged: string | null;
  underWay: string | null | undefined;
}

class Ledger {
  readonly entries = new Map<string, Expected>();
  acknowledgements = 0;

  async change(
    id: string,
    to: string | null,
    send: () => Promise<{ status: number }>,
  ): Promise<void> {
    const entry = this.entries.get(id) ?? { acknowledged: null, underWay: undefined };
    this.entries.set(id, entry);
    entry.underWay = to;
    const { status } = await send();
    assert.equal(status, 200);
    entry.acknowledged = to;
    entry.underWay = undefined;
    this.acknowledgements += 1;
  }

  /** Compares with what the daemon has, and goes on from there. */
  check(models: readonly { readonly id: string; readonly description: string | null }[]): void {
    const found = new Map(models.map(({ id, description }) => [id, description]));
    for (const [id, entry] of this.entries) {
      const now = found.get(id) ?? null;
      const allowed = [entry.acknowledged, entry.underWay].filter((text) => text !== undefined);
      assert.ok(
        allowed.includes(now),
        `${id} is ${JSON.stringify(now)}, but may be ${JSON.stringify(allowed)}; seed ${seed}`,
      );
      entry.acknowledged = now;
      entry.underWay = undefined;
    }
    for (const id of found.keys()) assert.ok(this.entries.has(id), `${id} was never sent`);
  }
}

/** Registers, changes and unregisters until the connection breaks. */
async function work(
  daemon: DaemonProcess,
  ledger: Ledger,
  plan: { readonly worker: number; readonly path: string; readonly random: () => number },
): Promise<void> {
  const { worker, path, random } = plan;
  try {
    for (let step = 0; ; step++) {
      const id = `crash/m${worker}-${Math.floor(random() * idsPerWorker)}@1`;
      const known = ledger.entries.get(id)?.acknowledged ?? null;
      if (known !== null && random() < 0.2) {
        await ledger.change(id, null, () =>
          daemon.http.send('DELETE', `/models/${encodeURIComponent(id)}`),
        );
      } else {
        const description = `${daemon.pid}-${worker}-${step}`;
        const load = random() < 0.03;
        await ledger.change(id, description, () =>
          daemon.http.post('/models/register', { model_id: id, path, description, load }),
        );
      }
    }
  } catch (error) {
    // The kill breaks every connection; an answer that was not 200 is a fault.
    if (error instanceof assert.AssertionError) throw error;
  }
}

interface Times {
  readonly readyMs: number[];
  readonly orphanMs: number[];
}

async function oneRound(
  place: Place,
  ledger: Ledger,
  facts: { readonly path: string; readonly random: () => number; readonly times: Times },
): Promise<void> {
  const { path, random, times } = facts;
  const begun = performance.now();
  const daemon = await place.start();
  times.readyMs.push(performance.now() - begun);
  const { body } = await daemon.http.get('/models');
  ledger.check(body.models);
  const { body: ready } = await daemon.http.get('/readyz');
  assert.deepEqual(ready, { ready: true, reasons: [] });
  const busy = Array.from({ length: workers }, (_, worker) =>
    work(daemon, ledger, { worker, path, random }),
  );
  await delay(random() * 500);
  daemon.signal('SIGKILL');
  const killedAt = performance.now();
  const isClean = await becomes(() => daemon.processes().length === 0, goneMs);
  assert.ok(isClean, `orphans: ${daemon.processes().map(commandOf)}; seed ${seed}`);
  times.orphanMs.push(performance.now() - killedAt);
  await Promise.all(busy);
  await daemon.end();
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function shown(values: readonly number[]): string {
  return `median ${medianOf(values).toFixed(0)} ms, worst ${Math.max(...values).toFixed(0)} ms`;
}

test(`kill -9 of the daemon, ${rounds} times`, { timeout: 30_000 + rounds * 15_000 }, async (t) => {
  t.diagnostic(`seed ${seed}`);
  const place = await openPlace(t);
  const path = await place.file('model.onnx', identityModel('float32', ['n']));
  const ledger = new Ledger();
  const times: Times = { readyMs: [], orphanMs: [] };
  const random = randomFrom(seed);
  const begun = performance.now();
  for (let round = 0; round < rounds; round++) {
    await oneRound(place, ledger, { path, random, times });
  }
  const daemon = await place.start();
  ledger.check((await daemon.http.get('/models')).body.models);
  t.diagnostic(`start → ready: ${shown(times.readyMs)}`);
  t.diagnostic(`kill → no process left: ${shown(times.orphanMs)}`);
  t.diagnostic(`${ledger.acknowledgements} acknowledged changes, none lost`);
  t.diagnostic(`${((performance.now() - begun) / 1_000).toFixed(1)} s for ${rounds} rounds`);
  // A run that had nothing to lose proves nothing.
  assert.ok(ledger.acknowledgements > rounds * 3, `only ${ledger.acknowledgements} changes`);
  assert.ok(medianOf(times.readyMs) <= readyMs, `start → ready: ${shown(times.readyMs)}`);
  assert.ok(medianOf(times.orphanMs) <= orphanMs, `kill → gone: ${shown(times.orphanMs)}`);
});

test('no plugin outlives a daemon that is killed while a model runs', {
  timeout: 60_000,
}, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const slow = { id: 'crash/slow@1', model: slowModel() };
  await registerModel(place, daemon, slow);
  await registerModel(place, daemon, {
    ...slow,
    id: 'crash/alone@1',
    params: { isolation: 'model' },
  });
  const forever = { turns: 1_000_000, x: 1 };
  const lost = ['crash/slow@1', 'crash/alone@1'].map((id) =>
    assert.rejects(infer(daemon, id, forever)),
  );
  await delay(200);
  assert.equal(daemon.plugins().length, 2);
  daemon.signal('SIGKILL');
  assert.ok(
    await becomes(() => daemon.processes().length === 0, goneMs),
    `left: ${daemon.processes().map(commandOf)}`,
  );
  await Promise.all(lost);
});
