import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventProgress } from './event-progress.ts';
import { formatSeconds, Speed } from './speed.ts';
import { Total } from './total.ts';

function clock() {
  let time = 0;
  const pass = (ms: number) => {
    time += ms;
  };
  return { now: () => time, pass };
}

test('speed is that of the last seconds, and says what is left', () => {
  const { now, pass } = clock();
  const speed = new Speed(500, now);
  assert.equal(speed.bytesPerSecond, null);
  pass(1000);
  speed.add(1500);
  assert.equal(speed.bytesPerSecond, 1000);
  assert.equal(speed.secondsFor(2500), 3);
  assert.equal(speed.secondsFor(null), null);
  for (let second = 0; second < 20; second++) {
    pass(1000);
    speed.add(1500 + second * 10);
  }
  assert.equal(speed.bytesPerSecond, 10);
});

test('the total counts what was there already, but not as speed', () => {
  const { now, pass } = clock();
  const total = new Total(now);
  total.plan([1000, 2000]);
  const [a, b] = [total.file(1000), total.file(2000)];
  a.from(900, 1000);
  b.from(0, 2000);
  pass(1000);
  b.at(500);
  assert.deepEqual([total.done, total.bytesPerSecond, total.secondsLeft], [1400, 500, 4]);
  b.from(0, 2000);
  assert.equal(total.done, 900);
  a.end(true);
  assert.equal(total.filesDone, 1);
  total.plan([null]);
  assert.equal(total.secondsLeft, null);
  total.file(null).from(0, 500);
  assert.equal(total.bytes, 3500);
});

test('time is written as people read it', () => {
  assert.deepEqual([59, 60, 125, 3723].map(formatSeconds), ['59 s', '1:00', '2:05', '1:02:03']);
});

test('events: a plan, where a file is, and nothing after its end', () => {
  const { now, pass } = clock();
  const lines: string[] = [];
  const progress = eventProgress((text) => lines.push(text), now);
  progress.plan([4000]);
  const file = progress.file('model.onnx', 4000);
  file.from(1000, 4000);
  for (let step = 1; step <= 10; step++) {
    pass(100);
    file.at(1000 + step * 100);
  }
  file.end(true);
  file.at(1);
  file.end(false);
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    events.map((one) => one['state'] ?? one['event']),
    ['plan', 'started', 'running', 'running', 'done'],
  );
  const { bytes, size, bytes_per_second, seconds_left } = events[3] ?? {};
  assert.deepEqual([bytes, size, bytes_per_second, seconds_left], [2000, 4000, 1000, 2]);
  assert.ok(lines.every((line) => line.endsWith('\n') && !line.slice(0, -1).includes('\n')));
});
