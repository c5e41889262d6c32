import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWav } from './wav-file.ts';

// Guards: a decoder is given what a WAV file is, never what it only claims to be.

type Chunk = readonly [name: string, body: Buffer, size?: number];

function riff(...chunks: readonly Chunk[]): Uint8Array {
  const parts = chunks.map(([name, body, size = body.length]) => {
    const head = Buffer.alloc(8);
    head.write(name);
    head.writeUInt32LE(size, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
  });
  return new Uint8Array(Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE'), ...parts]));
}

interface About {
  readonly tag?: number;
  readonly channels?: number;
  readonly block?: number;
  readonly bits?: number;
  readonly samples?: number;
}

function format({ tag = 1, channels = 1, block = 2, bits = 16, samples }: About = {}): Chunk {
  const body = Buffer.alloc(samples === undefined ? 16 : 20);
  body.writeUInt16LE(tag, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(16_000, 4);
  body.writeUInt16LE(block, 12);
  body.writeUInt16LE(bits, 14);
  if (samples !== undefined) {
    body.writeUInt16LE(2, 16);
    body.writeUInt16LE(samples, 18);
  }
  return ['fmt ', body];
}

const data: Chunk = ['data', Buffer.alloc(64, 7)];

test('samples are found behind other chunks, also of odd lengths', () => {
  for (const length of [0, 1, 19, 20]) {
    const other: Chunk = ['LIST', Buffer.alloc(length, 1)];
    const { parts, channels, rate } = readWav(riff(other, format(), other, data, other));
    assert.deepEqual([parts[1]?.length, channels, rate], [64, 1, 16_000], `${length}`);
    assert.deepEqual(Buffer.from(parts[0] ?? []).subarray(8, 16), Buffer.from('WAVEfmt '));
  }
});

test('a length that nobody knew yet, or that is too large, goes to the end', () => {
  for (const size of [0, 0xffff_ffff, 1_000]) {
    const { parts } = readWav(riff(format(), ['data', Buffer.alloc(10), size]));
    assert.equal(parts[1]?.length, 10);
  }
  assert.equal(readWav(riff(format(), ['data', Buffer.alloc(10), 4])).parts[1]?.length, 4);
});

test('every form that is read is let through', () => {
  const forms: readonly About[] = [
    { bits: 8, block: 1 },
    { channels: 2, bits: 24, block: 6 },
    { tag: 3, bits: 64, block: 8 },
    { tag: 6, bits: 8, block: 1 },
    { tag: 0x11, bits: 4, block: 256, samples: 505 },
    { tag: 0x11, bits: 4, channels: 2, block: 512, samples: 505 },
    { tag: 2, bits: 4, block: 256, samples: 500 },
    { tag: 2, bits: 4, channels: 2, block: 512, samples: 500 },
  ];
  for (const form of forms) assert.equal(readWav(riff(format(form), data)).parts.length, 2);
});

test('a format that its blocks do not fit is refused before anything is decoded', () => {
  const wrong: readonly (readonly [About, RegExp])[] = [
    [{ tag: 77 }, /Unsupported WAV format: 0x4d/],
    [{ bits: 12 }, /samples of 12 bits/],
    [{ channels: 0, block: 0 }, /no channels/],
    [{ block: 1 }, /blocks of 1 bytes/],
    [{ tag: 3, bits: 64, block: 1 }, /blocks of 1 bytes/],
    // Bytes that would become a thousand times as many samples.
    [{ tag: 0x11, channels: 8, block: 1, bits: 4, samples: 65_535 }, /65535 samples each/],
    [{ tag: 0x11, bits: 4, block: 256, samples: 65_535 }, /65535 samples each/],
    [{ tag: 2, channels: 2, bits: 4, block: 14, samples: 65_535 }, /65535 samples each/],
    [{ tag: 2, channels: 3, bits: 4, block: 21, samples: 2 }, /blocks of 21 bytes/],
    [{ tag: 0x11, bits: 4, block: 256 }, /cut short/],
  ];
  for (const [about, message] of wrong) {
    assert.throws(() => readWav(riff(format(about), data)), { name: 'RangeError', message });
  }
  assert.throws(() => readWav(riff(data, format())), /before their format/);
  assert.throws(() => readWav(riff(format())), /no samples/);
  assert.throws(() => readWav(riff(['LIST', Buffer.alloc(1_000)])), /no samples/);
});
