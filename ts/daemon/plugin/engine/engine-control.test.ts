import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import {
  type ControlMessage,
  decodeControl,
  encodeControl,
  statusOfErrorCode,
} from '../../../native/control-message.ts';
import { receiveDescriptors, sendDescriptors, socketPair } from '../../../native/fd-socket.ts';
import type { MlosError } from '../../../protocol/errors.ts';
import { outcome, until } from '../../../testing/fake-plugin/with-host.ts';
import { FakeClock } from '../fake-clock.ts';
import { controlSocketClosed, EngineControl } from './engine-control.ts';

const options = { timeout: 30_000 };

function open(t: TestContext) {
  const [ours, theirs] = socketPair('seqpacket');
  const clock = new FakeClock();
  const gone: number[] = [];
  const broken: string[] = [];
  const control = new EngineControl({
    fd: ours,
    clock,
    timeoutMs: 1_000,
    events: {
      channelGone: (id) => void gone.push(id),
      broken: (reason) => {
        broken.push(reason);
        control.close();
      },
    },
  });
  let isOpen = true;
  const hangUp = () => {
    if (isOpen) closeSync(theirs);
    isOpen = false;
  };
  // The control socket alone keeps no process running.
  const alive = setInterval(() => undefined, 1_000);
  t.after(() => {
    clearInterval(alive);
    control.close();
    hangUp();
  });
  /** What the engine's end has received and not yet taken. */
  const next = (): { message: ControlMessage; fds: readonly number[] } => {
    const received = receiveDescriptors(theirs, { maxBytes: 1_024, maxFds: 4 });
    assert.ok(received !== null, 'something was sent');
    return { message: decodeControl(received.bytes), fds: received.fds };
  };
  const say = (bytes: Uint8Array) => void sendDescriptors(theirs, bytes, []);
  return { control, clock, gone, broken, next, say, hangUp };
}

test('answers find their requests, whatever their order', options, async (t) => {
  const { control, next, say } = open(t);
  const fd = openSync('/dev/null', 'r');
  t.after(() => closeSync(fd));
  const first = control.request({ kind: 'openChannel', channelId: 7, argument: 3, argument2: 1 });
  const second = control.request({ kind: 'activateChannel', channelId: 7, descriptors: [fd] });
  const [a, b] = [next(), next()];
  const { kind, channelId, argument, argument2, isReply } = a.message;
  assert.deepEqual(
    [kind, channelId, argument, argument2, isReply],
    ['openChannel', 7, 3, 1, false],
  );
  assert.equal(b.fds.length, 1);
  assert.equal(fstatSync(b.fds[0] as number).rdev, fstatSync(fd).rdev);
  closeSync(b.fds[0] as number);
  const { sequence } = b.message;
  say(encodeControl({ kind: 'activateChannel', sequence, isReply: true }));
  await second;
  const status = statusOfErrorCode('MODEL_NOT_FOUND');
  const reply = { sequence: a.message.sequence, isReply: true, status, text: 'no model 3' };
  say(encodeControl({ kind: 'openChannel', ...reply }));
  await assert.rejects(first, (error: MlosError) => {
    assert.deepEqual([error.code, error.message], ['MODEL_NOT_FOUND', 'no model 3']);
    return true;
  });
});

test('many requests wait for one another, and each is answered', options, async (t) => {
  const { control, say, next } = open(t);
  const all = Array.from({ length: 500 }, (_, channelId) =>
    control.request({ kind: 'closeChannel', channelId }),
  );
  for (let i = 0; i < all.length; i++) {
    const { sequence, channelId } = next().message;
    assert.equal(channelId, i);
    say(encodeControl({ kind: 'closeChannel', sequence, isReply: true }));
    await all[i];
  }
});

test('a channel that is gone is told', options, async (t) => {
  const { say, gone } = open(t);
  for (const channelId of [5, 6]) say(encodeControl({ kind: 'channelGone', channelId }));
  await until(() => gone.length === 2);
  assert.deepEqual(gone, [5, 6]);
});

test('no answer in time breaks it, and everything outstanding', options, async (t) => {
  const { control, clock, broken } = open(t);
  const pending = outcome(control.request({ kind: 'startEngine' }));
  clock.advance(999);
  assert.deepEqual(broken, []);
  clock.advance(1);
  assert.deepEqual(broken, ['did not answer startEngine within 1000 ms']);
  assert.equal(await pending, 'PLUGIN_CRASHED');
  assert.equal(await outcome(control.request({ kind: 'startEngine' })), 'PLUGIN_CRASHED');
});

test('the end of the other side is told as such', options, async (t) => {
  const { control, broken, hangUp } = open(t);
  const pending = outcome(control.request({ kind: 'startEngine' }));
  hangUp();
  assert.equal(await pending, 'PLUGIN_CRASHED');
  assert.deepEqual(broken, [controlSocketClosed]);
});

for (const [name, bytes] of [
  ['bytes', Uint8Array.of(1, 2, 3)],
  ['an answer to nothing', encodeControl({ kind: 'openChannel', sequence: 99, isReply: true })],
  ['a request', encodeControl({ kind: 'openChannel', sequence: 1 })],
  ['an unknown kind', new Uint8Array(encodeControl({ kind: 'channelGone' })).fill(9, 0, 1)],
] as const) {
  test(`garbage breaks it: ${name}`, options, async (t) => {
    const { say, broken } = open(t);
    say(bytes);
    await until(() => broken.length > 0);
    assert.match(broken[0] ?? '', /broke the contract/);
  });
}
