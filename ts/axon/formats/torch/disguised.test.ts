import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { makeTar } from '../../../testing/hub-double/tarball.ts';
import { stateDict, storedZip, torchFile } from '../../../testing/hub-double/torch-file.ts';
import { makeZip } from '../../../testing/hub-double/zip.ts';
import type { PickleFile } from './found.ts';
import { inspectPickle } from './inspect.ts';

/* Guards: pickles are found where no name calls them so, and other files are not taken for them. */
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-disguised-'));
after(() => fs.rmSync(dir, { recursive: true }));

function inspect(bytes: Buffer | string, name = 'training_args.bin'): PickleFile | null {
  fs.writeFileSync(path.join(dir, name), bytes);
  return inspectPickle(path.join(dir, name));
}

const evil = Buffer.from('cposix\nsystem\n(Vtouch\ntR.');
const binary = Buffer.from('\x80\x04cposix\nsystem\n\x8c\x05touch\x85R.', 'latin1');
const names = (bytes: Buffer | string, name?: string) => inspect(bytes, name)?.suspicious;

test('opcodes of every protocol are seen in files of any name that could be loaded', () => {
  const sorts: Record<string, Buffer | string> = {
    plain: evil,
    binary,
    inst: "(S'touch'\niposix\nsystem\n.",
    object: '(cposix\nsystem\nVtouch\no.',
    after_numbers: 'I01\n0L5L\n0F1e5\n0cposix\nsystem\n(tR.',
    after_a_long_text: Buffer.concat([Buffer.from(`V${'x'.repeat(200_000)}\n0`), evil]),
    after_another: Buffer.concat([Buffer.from('N.'), evil]),
    without_an_end: 'cposix\nsystem\n(tR',
    // Python reads these places and goes on.
    odd_places: '(dp1_0\ncposix\nsystem\n(tR.',
    odd_number: 'I1_0\n0cposix\nsystem\n(tR.',
  };
  for (const [sort, bytes] of Object.entries(sorts))
    for (const name of ['optimizer.bin', 'words.data', 'state', 'model.sav']) {
      const found = inspect(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, name);
      assert.match(
        String(found?.suspicious),
        /posix\.system|a place called "1_0"/,
        `${sort} ${name}`,
      );
    }
});

test('archives with something before them, archives in archives, and packed ones', async () => {
  const zip = storedZip({ 'm/data.pkl': evil });
  const whole: Record<string, Buffer> = {
    two_bytes_before: Buffer.concat([Buffer.from('xx'), zip]),
    behind_another: Buffer.concat([torchFile('net', ''), zip]),
    inner: storedZip({ 'inner.pt': zip }),
    inner_packed: makeZip([{ name: 'inner.pt', data: zip }]),
    gzip: gzipSync(evil),
    zlib: deflateSync(binary),
    zip_in_gzip: gzipSync(zip),
    damaged_gzip: Buffer.concat([gzipSync(evil).subarray(0, -8), Buffer.alloc(8)]),
    tar: await makeTar([{ name: 'weights/net.ckpt', data: zip }]),
  };
  for (const [sort, bytes] of Object.entries(whole))
    assert.match(String(names(bytes)), /posix\.system|cannot be unpacked/, sort);
  assert.deepEqual(names(gzipSync(evil), 'net.pkl.gz'), ['posix.system']);
  assert.match(String(names(await makeTar([{ name: 'pickle', data: evil }]))), /tar archive/);
  assert.match(String(names(zip.subarray(0, 30))), /not a readable archive/);
  assert.equal(inspect(zip.subarray(0, 30), 'x.zip'), null);
  assert.equal(inspect(gzipSync('cats and dogs\nare here\n'), 'notes.gz'), null);
  const long = gzipSync(Buffer.alloc(80_000_000, 'The words\n'));
  for (const name of ['corpus.txt.gz', 'corpus.csv.gz']) assert.equal(inspect(long, name), null);
  const bomb = gzipSync(Buffer.concat([Buffer.alloc(70_000_000, 'N0'), evil]));
  assert.match(String(names(bomb, 'state.gz')), /more than \d+ bytes/);
});

const arrayOf = (header: string, content: Buffer) => {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length + 1);
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    length,
    Buffer.from(`${header}\n`),
    content,
  ]);
};
const headerOf = (descr: string) => `{'descr': ${descr}, 'fortran_order': False, 'shape': (2,), }`;

test('arrays of objects are pickles, by themselves and in .npz; arrays of numbers are not', () => {
  for (const descr of ["'|O'", "[('a', '<i4'), ('b', '|O')]", "'\\x4f'"]) {
    const array = arrayOf(headerOf(descr), binary);
    assert.deepEqual(names(array, 'a.npy'), ['posix.system'], descr);
    assert.deepEqual(names(storedZip({ 'x.npy': array }), 'a.npz'), ['posix.system'], descr);
    assert.deepEqual(names(makeZip([{ name: 'x', data: array }]), 'a.npz'), ['posix.system']);
  }
  assert.match(String(names(arrayOf(headerOf("'|O'"), Buffer.alloc(9)), 'a.npy')), /breaks off/);
  for (const descr of [
    "'<f4'",
    "'|b1'",
    "'<M8[ns]'",
    "[('Offset', '<f4'), ('b', '<i4', (2, 2))]",
  ]) {
    const array = arrayOf(headerOf(descr), binary);
    assert.equal(inspect(array, 'a.npy'), null, descr);
    assert.equal(inspect(storedZip({ 'x.npy': array }), 'a.npz'), null, descr);
  }
});

test('other files are no pickles, whatever they begin with', () => {
  for (const text of [
    'cat\ndog\nbird\n',
    'Version one\nLicense\ncats\n.hidden',
    'p1 is first\n',
    'Some words\ncat\ndog\nRest\n',
    '(c) 2020 somebody\nand others\n',
    `V${'A'.repeat(100_000)}`,
  ])
    assert.equal(inspect(text, 'words'), null, text.slice(0, 40));
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  };
  for (let trial = 0; trial < 500; trial++) {
    const bytes = Buffer.from(Array.from({ length: 300 }, random));
    bytes[0] = '(01234FIJKLMNPQRSTUVXabcdeghijlopqrstu'.charCodeAt(trial % 38);
    assert.equal(inspect(bytes, 'weights.bin'), null, `${trial}`);
  }
  assert.deepEqual(names(stateDict(), 'weights.bin'), []);
});
