// Writes native/fuzz/corpus/descriptor/: one small file for each kind of input that the decoder
// accepts, and the edges of what it refuses. descriptor_fuzz.cc says how an input is built.
//
//   node native/fuzz/descriptor-corpus.mjs

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('corpus/descriptor/', import.meta.url));
const fixedBytes = 64;
const tensorBytes = 152;

function prefix(what, units = 0, length = 0n) {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt8(what, 0);
  bytes.writeUInt32LE(units, 4);
  bytes.writeBigUInt64LE(BigInt(length), 8);
  return bytes;
}

function request(count, { deadline = 0n, priority = 2, wanted = 0n, hasSequence = 0 } = {}) {
  const bytes = Buffer.alloc(fixedBytes);
  bytes.writeBigUInt64LE(deadline, 0);
  bytes.writeUInt32LE(priority, 8);
  bytes.writeUInt32LE(count, 12);
  bytes.writeBigUInt64LE(wanted, 16);
  bytes.writeUInt32LE(hasSequence, 48);
  return bytes;
}

function sequence(flags, idLength, id) {
  const bytes = Buffer.alloc(136);
  bytes.writeUInt32LE(flags, 0);
  bytes.writeUInt32LE(idLength, 4);
  bytes.write(id, 8);
  return bytes;
}

function answer(count) {
  const bytes = Buffer.alloc(fixedBytes);
  bytes.writeUInt32LE(count, 0);
  return bytes;
}

function tensor(index, dtype, offset, byteLength, dims) {
  const bytes = Buffer.alloc(tensorBytes);
  bytes.writeUInt32LE(index, 0);
  bytes.writeUInt16LE(dtype, 4);
  bytes.writeUInt16LE(dims.length, 6);
  bytes.writeBigUInt64LE(BigInt(offset), 8);
  bytes.writeBigUInt64LE(BigInt(byteLength), 16);
  dims.slice(0, 16).forEach((dim, i) => {
    bytes.writeBigInt64LE(BigInt(dim), 24 + 8 * i);
  });
  return bytes;
}

function strings(count, lengths, text) {
  const table = Buffer.alloc(4 * lengths.length);
  lengths.forEach((length, i) => {
    table.writeUInt32LE(length, 4 * i);
  });
  return [prefix(2, 0, count), table, Buffer.from(text)];
}

const inputs = {
  'request-empty': [prefix(0), request(0)],
  'request-float': [prefix(0), request(1, { deadline: 5n }), tensor(0, 1, 256, 24, [2, 3])],
  'request-scalar': [prefix(128), request(1), tensor(255, 11, 64, 8, [])],
  'request-strings': [prefix(128), request(1, { wanted: 3n }), tensor(0, 8, 0, 40, [2])],
  'request-three': [
    prefix(128),
    request(3, { priority: 0 }),
    tensor(0, 7, 0, 64, [1, 8]),
    tensor(1, 9, 64, 3, [3]),
    tensor(2, 16, 128, 0, [0, 5]),
  ],
  'request-rank-16': [prefix(128), request(1), tensor(0, 2, 0, 1, Array(16).fill(1))],
  'request-overflow': [prefix(128), request(1), tensor(0, 1, 0, 0, [2n ** 32n, 2n ** 32n])],
  'request-twice': [prefix(128), request(2), tensor(1, 1, 0, 4, []), tensor(1, 1, 64, 4, [])],
  'request-sequence': [
    prefix(128),
    request(1, { hasSequence: 1 }),
    tensor(0, 1, 0, 4, []),
    sequence(1, 3, 'abc'),
  ],
  'request-sequence-long': [prefix(128), request(0, { hasSequence: 1 }), sequence(4, 129, 'abc')],
  'request-cut': [prefix(0), request(1)],
  'answer-empty': [prefix(1, 0, 64), answer(0)],
  'answer-float': [prefix(129, 2, 512), answer(1), tensor(0, 1, 384, 16, [4])],
  'answer-outside': [prefix(129, 2, 256), answer(1), tensor(0, 1, 384, 16, [4])],
  'strings-none': strings(0, [], ''),
  'strings-two': strings(2, [1, 3], 'abcd'),
  'strings-long': strings(2, [1, 4], 'abcd'),
};

mkdirSync(folder, { recursive: true });
for (const [name, parts] of Object.entries(inputs)) {
  writeFileSync(`${folder}${name}`, Buffer.concat(parts));
}
