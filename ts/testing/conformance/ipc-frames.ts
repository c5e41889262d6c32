import assert from 'node:assert/strict';
import type { ErrorCode } from '../../protocol/error-codes.ts';
import { frame } from '../../protocol/frame.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeMsgpack, encodeMsgpack } from '../../protocol/msgpack.ts';
import { rawExchange } from './raw-exchange.ts';

/** Bad bytes on the IPC socket. Each is answered once, and the connection closed after it. */
export interface IpcFrameCase {
  readonly name: string;
  readonly bytes: () => Uint8Array;
  readonly code: ErrorCode;
  /** Our side ends after the bytes: a frame that never becomes whole. */
  readonly end?: boolean;
}

function header(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length, 0);
  return bytes;
}

const health = frame(encodeMsgpack([1, 'health.get', {}]));

/** 20,000 nested array16 of 65,535 entries each: 60 KB that make ordinary decoders allocate 20 GB. */
function msgpackBomb(): Buffer {
  return Buffer.concat(Array.from({ length: 20_000 }, () => Buffer.from([0xdc, 0xff, 0xff])));
}

export const ipcFrameCases: readonly IpcFrameCase[] = [
  {
    name: 'truncated frame',
    bytes: () => health.subarray(0, health.length - 2),
    end: true,
    code: 'INVALID_FRAME',
  },
  {
    name: 'truncated header',
    bytes: () => health.subarray(0, 3),
    end: true,
    code: 'INVALID_FRAME',
  },
  {
    name: 'frame shorter than its value',
    bytes: () => Buffer.concat([header(2), health.subarray(4)]),
    code: 'INVALID_FRAME',
  },
  {
    name: 'bytes after the value',
    bytes: () => frame(Buffer.concat([encodeMsgpack([1, 'health.get']), Buffer.from([0])])),
    code: 'INVALID_FRAME',
  },
  { name: 'empty frame', bytes: () => header(0), code: 'INVALID_FRAME' },
  { name: 'oversize frame', bytes: () => header(0xffff_ffff), code: 'PAYLOAD_TOO_LARGE' },
  {
    name: 'one byte over the limit',
    bytes: () => header(limits.ipcFrameBytes + 1),
    code: 'PAYLOAD_TOO_LARGE',
  },
  { name: 'msgpack bomb', bytes: () => frame(msgpackBomb()), code: 'INVALID_FRAME' },
  {
    name: 'array of 4 billion',
    bytes: () => frame(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])),
    code: 'INVALID_FRAME',
  },
  {
    name: 'extension type',
    bytes: () => frame(Buffer.from([0x92, 0x01, 0xd4, 0x72, 0x40])),
    code: 'INVALID_FRAME',
  },
  {
    name: 'depth bomb',
    bytes: () => frame(Buffer.alloc(limits.msgpackDepth + 8, 0x91)),
    code: 'INVALID_FRAME',
  },
  { name: 'not a list', bytes: () => frame(encodeMsgpack({ id: 1 })), code: 'INVALID_FRAME' },
  { name: 'no id', bytes: () => frame(encodeMsgpack([null, 'health.get'])), code: 'INVALID_FRAME' },
  {
    name: 'negative id',
    bytes: () => frame(encodeMsgpack([-1, 'health.get'])),
    code: 'INVALID_FRAME',
  },
  {
    name: 'fractional id',
    bytes: () => frame(encodeMsgpack([1.5, 'health.get'])),
    code: 'INVALID_FRAME',
  },
  {
    name: 'id of 65 characters',
    bytes: () => frame(encodeMsgpack(['i'.repeat(65), 'health.get'])),
    code: 'INVALID_FRAME',
  },
  { name: 'method is no text', bytes: () => frame(encodeMsgpack([1, 2])), code: 'INVALID_FRAME' },
  {
    name: 'cancel of no id',
    bytes: () => frame(encodeMsgpack([-1, null])),
    code: 'INVALID_FRAME',
  },
  {
    name: 'cancel of a list',
    bytes: () => frame(encodeMsgpack([1, [null]])),
    code: 'INVALID_FRAME',
  },
  {
    name: 'four parts',
    bytes: () => frame(encodeMsgpack([1, 'health.get', {}, {}])),
    code: 'INVALID_FRAME',
  },
  {
    name: 'an HTTP request',
    bytes: () => Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    code: 'PAYLOAD_TOO_LARGE',
  },
];

/** The answers in a stream, decoded. */
export function readAnswers(received: Buffer): unknown[][] {
  const answers: unknown[][] = [];
  let rest = received;
  while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
    const end = 4 + rest.readUInt32BE(0);
    answers.push(decodeMsgpack(rest.subarray(4, end)) as unknown[]);
    rest = rest.subarray(end);
  }
  return answers;
}

export async function runIpcFrameCases(socketPath: string): Promise<void> {
  for (const { name, bytes, code, end = false } of ipcFrameCases) {
    const { received, closed } = await rawExchange({ path: socketPath }, [bytes()], { end });
    const [answer, ...more] = readAnswers(received);
    assert.ok(closed, `${name}: the connection stays open`);
    assert.equal(more.length, 0, `${name}: more than one answer`);
    assert.equal((answer?.[1] as { code?: unknown } | undefined)?.code, code, name);
    assert.equal(answer?.[2], null, name);
  }
}
