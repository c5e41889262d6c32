import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodeNames, isErrorCode } from '../protocol/error-codes.ts';
import { limits } from '../protocol/limits.ts';
import { channelLayout, priorities } from './channel-layout.ts';
import {
  controlKinds,
  decodeControl,
  encodeControl,
  errorCodeOfStatus,
  statusOfErrorCode,
} from './control-message.ts';

test('every status of shared memory has an error code, and no two share a number', () => {
  const { status } = channelLayout();
  const numbers = Object.values(status);
  assert.equal(new Set(numbers).size, numbers.length);
  for (const [name, number] of Object.entries(status)) {
    const code = errorCodeOfStatus(number);
    if (name === 'OK') assert.equal(code, null);
    else if (name === 'CLIENT_GONE') assert.equal(code, 'CANCELLED');
    else assert.equal(code, name);
    if (code !== null) assert.ok(isErrorCode(code), name);
  }
  for (const strange of [-1, 999, 1.5, Number.NaN]) {
    assert.equal(errorCodeOfStatus(strange), 'INTERNAL');
  }
});

test('every error code has a status; those that hosts answer come back as themselves', () => {
  const { status } = channelLayout();
  assert.equal(statusOfErrorCode(null), 0);
  for (const code of errorCodeNames) {
    const expected = Object.hasOwn(status, code) ? code : 'INTERNAL';
    assert.equal(errorCodeOfStatus(statusOfErrorCode(code)), expected);
  }
});

test('the words of TypeScript are those of the layout', () => {
  const layout = channelLayout();
  assert.deepEqual(Object.keys(layout.controlKinds).sort(), [...controlKinds].sort());
  assert.deepEqual(Object.keys(layout.priorities), [...priorities]);
  assert.equal(layout.bounds.maxTensors, limits.tensorsPerRequest);
  assert.equal(layout.bounds.maxRank, limits.tensorRank);
  assert.equal(layout.bounds.maxErrorBytes, limits.reasonLength);
});

test('a message comes back as it was', () => {
  for (const kind of controlKinds) {
    for (const isReply of [false, true]) {
      const message = {
        kind,
        isReply,
        sequence: 0xffff_ffff,
        channelId: Number.MAX_SAFE_INTEGER,
        argument: 7,
        argument2: 8,
        status: 9,
        text: 'größer',
      };
      const bytes = encodeControl(message);
      assert.equal(bytes.byteLength, channelLayout().controlMessage.byteLength);
      assert.deepEqual(decodeControl(bytes), message);
    }
  }
  const { text } = decodeControl(encodeControl({ kind: 'closeChannel', text: 'ä'.repeat(1_000) }));
  assert.equal(text, 'ä'.repeat(108));
});

test('a hostile message is refused', () => {
  const { controlMessage: at } = channelLayout();
  const spoiled = (spoil: (view: DataView) => void) => {
    const bytes = encodeControl({ kind: 'openChannel' });
    spoil(new DataView(bytes.buffer));
    return bytes;
  };
  const refused = [
    new Uint8Array(0),
    new Uint8Array(at.byteLength - 1),
    new Uint8Array(at.byteLength),
    spoiled((view) => view.setUint32(at.kind, 6, true)),
    spoiled((view) => view.setUint32(at.kind, 0xffff_ffff, true)),
    spoiled((view) => view.setUint32(at.textLength, at.textBytes + 1, true)),
    spoiled((view) => view.setBigUint64(at.channelId, 2n ** 53n, true)),
  ];
  for (const bytes of refused) assert.throws(() => decodeControl(bytes), { code: 'INVALID_FRAME' });
  for (const wrong of [{ sequence: -1 }, { argument: 0.5 }, { channelId: 2 ** 53 }]) {
    assert.throws(() => encodeControl({ kind: 'openChannel', ...wrong }), {
      code: 'INVALID_ARGUMENT',
    });
  }
  assert.throws(() => encodeControl({ kind: 'other' as never }), { code: 'INVALID_ARGUMENT' });
});
