import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { FakeClock } from './fake-clock.ts';
import { hostLimits } from './host-limits.ts';
import { LogMirror } from './log-mirror.ts';

function mirror() {
  const lines: string[] = [];
  const clock = new FakeClock();
  const limits = { ...hostLimits, logLineLength: 10, logLinesPerSecond: 3 };
  const log = new LogMirror({ limits, clock, emit: (line) => lines.push(line) });
  const stream = new PassThrough();
  log.read(stream);
  const write = async (text: string) => {
    stream.write(text);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { lines, clock, log, write };
}

test('lines are put together, empty ones left out, long ones cut once', async () => {
  const { lines, write, log } = mirror();
  await write('on');
  await write('e\n\ntwo\nthis is far too long');
  await write(' and goes on\n');
  assert.deepEqual(lines, ['one', 'two', 'this is fa']);
  assert.match(log.last, /goes on$/);
});

test('beyond the rate lines are counted, and the count is told in the next second', async () => {
  const { lines, write, clock } = mirror();
  await write('a\nb\nc\nd\ne\n');
  assert.deepEqual(lines, ['a', 'b', 'c']);
  clock.advance(1_000);
  await write('f\n');
  assert.deepEqual(lines.slice(3), ['(2 lines of output left out)', 'f']);
});
