import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MlosError } from '../../protocol/errors.ts';
import { Backlog } from './backlog.ts';
import { Call, type Job } from './call.ts';
import { copyBytes } from './copy-bytes.ts';

const job = (over: () => void): Job => ({
  shape: { slots: [], outputs: undefined, priority: undefined },
  inSequence: false,
  requestOn: () => null,
  take: () => undefined,
  keep: () => undefined,
  leave: () => undefined,
  done: over,
});

function make(count: number) {
  const over: number[] = [];
  const codes: string[] = [];
  const calls = Array.from({ length: count }, (_, i) => {
    const reject = (error: MlosError) => codes.push(error.code);
    return new Call(
      job(() => over.push(i)),
      Number.POSITIVE_INFINITY,
      () => undefined,
      reject,
    );
  });
  return { calls, over, codes };
}

test('calls go in order, from where it stopped', () => {
  const { calls } = make(5_000);
  const backlog = new Backlog();
  for (const call of calls) backlog.add(call);
  const sent: Call[] = [];
  for (let room = 700; !backlog.isEmpty; ) {
    let left = room;
    backlog.flush((call) => left-- > 0 && sent.push(call) > 0);
    assert.deepEqual(backlog.list().length, calls.length - sent.length);
  }
  assert.deepEqual(sent, calls);
});

test('what has to be sent again comes first, also where sending finds that out', () => {
  const { calls } = make(6);
  const [a, b, c, d, e, f] = calls as [Call, Call, Call, Call, Call, Call];
  const backlog = new Backlog();
  for (const call of [c, d]) backlog.add(call);
  backlog.putBack([a, b]);
  assert.deepEqual(backlog.list(), [a, b, c, d]);
  backlog.flush((call) => {
    if (call === a) return true;
    backlog.putBack([e, f]);
    return false;
  });
  assert.deepEqual(backlog.list(), [b, e, f, c, d]);
  backlog.rejectAll(new MlosError('CANCELLED', 'over'));
});

test('calls whose callers gave up are passed over, and each is over once', () => {
  const { calls, over, codes } = make(4);
  const backlog = new Backlog();
  for (const call of calls) backlog.add(call);
  calls[1]?.giveUp(new MlosError('CANCELLED', 'x'));
  calls[2]?.giveUp(new MlosError('CANCELLED', 'x'));
  const sent: Call[] = [];
  backlog.flush((call) => sent.length === 0 && sent.push(call) > 0);
  assert.deepEqual([sent, backlog.list()], [[calls[0]], [calls[3]]]);
  backlog.rejectAll(new MlosError('SHUTTING_DOWN', 'y'));
  assert.ok(backlog.isEmpty);
  assert.deepEqual(
    [over, codes],
    [
      [1, 2, 3],
      ['CANCELLED', 'CANCELLED', 'SHUTTING_DOWN'],
    ],
  );
});

test('small copies share a buffer and never each other’s bytes', () => {
  const sources = [0, 1, 15, 16, 17, 1_024, 1_025, 100_000].flatMap((size) =>
    Array.from({ length: 40 }, (_, i) => new Uint8Array(size).fill(size + i)),
  );
  const copies = sources.map(copyBytes);
  assert.deepEqual(copies, sources);
  assert.ok(copies.every((copy) => copy.byteOffset % 16 === 0));
  assert.notEqual(copies.at(-1)?.buffer, sources.at(-1)?.buffer);
});
