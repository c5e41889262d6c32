import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { mutationsOf } from '../../../testing/hub-double/mutations.ts';
import { makeTar } from '../../../testing/hub-double/tarball.ts';
import { stateDict, storedZip, torchFile } from '../../../testing/hub-double/torch-file.ts';
import { torchFacts } from './facts.ts';
import type { PickleFile } from './found.ts';
import { inspectPickle } from './inspect.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-torch-'));
after(() => fs.rmSync(dir, { recursive: true }));

function inspect(bytes: Buffer | string, name = 'm.pt'): PickleFile | null {
  fs.writeFileSync(path.join(dir, name), bytes);
  return inspectPickle(path.join(dir, name));
}

/** Opcodes as they are written: text, or single bytes. */
function pickle(...parts: readonly (string | number)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))),
  );
}

const suspects = (bytes: Buffer | string, name?: string) => inspect(bytes, name)?.suspicious;

test('a state dict names only what tensors need; its parameters are counted', () => {
  const found = inspect(torchFile('net'));
  assert.deepEqual([found?.kind, found?.suspicious], ['zip', []]);
  assert.deepEqual(torchFacts(dir, ['m.pt']), {
    model: { parameters: 4, dtypes: { float32: 4 } },
  });
  assert.deepEqual(suspects(stateDict()), []);
});

test('files of before 1.6 are five pickles, and all of them are walked', () => {
  const long = (hex: string) =>
    Buffer.concat([Buffer.from([0x80, 2, 0x8a, hex.length / 2]), Buffer.from(`${hex}2e`, 'hex')]);
  const magic = long('6cfc9c46f9206aa85019');
  const head = [magic, long('e903'), pickle(0x80, 2, '}.')];
  const keys = pickle(0x80, 2, '].');
  assert.deepEqual(suspects(Buffer.concat([...head, stateDict(), keys, Buffer.alloc(99)])), []);
  const evil = pickle(0x80, 2, 'cposix\nsystem\n.');
  assert.deepEqual(suspects(Buffer.concat([...head, stateDict(), evil])), ['posix.system']);
  assert.deepEqual(suspects(Buffer.concat([...head, stateDict()]))?.length, 1);
});

test('every way to name a thing is seen', () => {
  const named: Record<string, Buffer> = {
    global: pickle('cos\nsystem\n.'),
    inst: pickle('(S"x"\nios\nsystem\n.'),
    stack: pickle(0x80, 4, 0x8c, 2, 'os', 0x8c, 6, 'system', 0x93, '.'),
    memo: pickle(0x80, 4, 0x8c, 6, 'system', 0x94, '0', 0x8c, 2, 'os', 'h', 0, 0x93, '.'),
    dup: pickle(0x80, 2, 'U', 2, 'os', 'U', 6, 'system', '2', '0', 0x93, '.'),
    mark: pickle(0x80, 4, 'U', 2, 'os', '(K', 1, '1', 'U', 6, 'system', 0x93, '.'),
    unicode: pickle('Vos\nVsystem\n', 0x93, '.'),
    quoted: pickle("S'os'\nS'system'\n", 0x93, '.'),
    before_a_break: pickle('cos\nsystem\n', 0xff),
    before_the_end: pickle('cos\nsystem\n'),
  };
  for (const [name, bytes] of Object.entries(named))
    assert.ok(suspects(bytes)?.includes('os.system'), name);
});

test('what cannot be followed counts as a name that nobody allows', () => {
  const computed = pickle(0x80, 4, 0x8c, 2, 'os', '(tR', 0x8c, 6, 'system', 0x93, '.');
  assert.match(String(suspects(computed)), /computed|breaks off/);
  const long = pickle(0x80, 4, 'T', 0xff, 0xff, 0, 0, 'x'.repeat(0xffff), 'U', 1, 'y', 0x93, '.');
  assert.deepEqual(suspects(long), ['(a name that is computed)']);
  assert.deepEqual(suspects(pickle(0x80, 2, 0x82, 7, '.')), ['(extension 7)']);
  for (const broken of ['', 'h\u0001.', 't.', '.', `${'('.repeat(5_000_000)}.`, '\u0080\u0002'])
    assert.match(String(suspects(broken)), /breaks off/, JSON.stringify(broken.slice(0, 9)));
  // Python keeps this at place 10, and recalls another name than the one that lies there here.
  const alias = pickle('Vcollections\np10\nVos\np1_0\n0', 'h', 10, 'VOrderedDict\n', 0x93, '.');
  assert.match(String(suspects(alias)), /breaks off: a place called "1_0"/);
  // A name that is nearly allowed.
  assert.deepEqual(suspects(pickle('ctorch._utils\n_rebuild_tensor_v2x\n.')), [
    'torch._utils._rebuild_tensor_v2x',
  ]);
  assert.deepEqual(suspects(pickle('ccollections\nOrderedDict.__reduce__\n.'))?.length, 1);
});

test('archives: all pickles in them, TorchScript, and those that lie', async () => {
  const script = {
    'm/data.pkl': pickle(0x80, 2, 'c__torch__\nNet\n)', 0x81, '.'),
    'm/constants.pkl': pickle(0x80, 2, ').'),
    'm/code/__torch__.py': Buffer.from('class Net(Module): pass'),
  };
  assert.deepEqual(
    [inspect(storedZip(script))?.kind, suspects(storedZip(script))],
    ['torchscript', []],
  );
  const { 'm/constants.pkl': _, ...plain } = script;
  assert.deepEqual(suspects(storedZip(plain)), ['__torch__.Net']);
  const evil = pickle('cos\nsystem\n.');
  assert.deepEqual(suspects(storedZip({ 'a/data.pkl': stateDict(), 'b/other.PKL': evil })), [
    'os.system',
  ]);
  assert.match(String(suspects(storedZip({ readme: evil }))), /without a pickle/);
  assert.match(String(suspects(storedZip({ 'a.pkl': evil }).subarray(0, 40))), /not a readable/);
  const twice = storedZip({ 'a.pkl': stateDict(), 'b.pkl': evil });
  for (let at = twice.indexOf('b.pkl'); at >= 0; at = twice.indexOf('b.pkl', at + 1))
    twice.write('a', at);
  assert.match(String(suspects(twice)), /comes twice/);
  const tar = await makeTar([{ name: 'pickle', data: evil }]);
  assert.match(String(suspects(tar)), /tar archive/);
  // Python takes a block with the right sum for a tar, whatever it begins with.
  const old = Buffer.from(tar);
  old.fill(0, 257, 265);
  pickle(0x80, 2, '}.').copy(old);
  old.fill(0x20, 148, 156);
  const sum = old.subarray(0, 512).reduce((all, byte) => all + byte, 0);
  old.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  assert.match(String(suspects(old)), /tar archive/);
});

test('packed entries are unpacked up to a limit', () => {
  const packed = (data: Buffer, stated: number) => {
    const body = deflateRawSync(data);
    const zip = storedZip({ 'a/data.pkl': body });
    const list = zip.indexOf('PK\x01\x02', 0, 'latin1');
    for (const [at, method, size] of [
      [0, 8, 22],
      [list, 10, 24],
    ] as const) {
      zip.writeUInt16LE(8, at + method);
      zip.writeUInt32LE(stated, at + size);
    }
    return zip;
  };
  const evil = pickle('cos\nsystem\n.');
  assert.deepEqual(suspects(packed(evil, evil.length)), ['os.system']);
  assert.match(String(suspects(packed(Buffer.alloc(50_000_000), 100))), /cannot be unpacked/);
  assert.match(String(suspects(packed(evil, 2 ** 31))), /not read/);
});

test('files that are no pickles are left alone, those that hide are not', () => {
  assert.equal(inspect(Buffer.from([0x80, 2, 1, 2, 3]), 'weights.bin'), null);
  assert.equal(inspect('cats and dogs\nare here\n', 'labels.txt'), null);
  assert.equal(inspect('cat\ndog\n.', 'labels.txt'), null);
  assert.deepEqual(suspects(pickle(0x80, 2, 'cos\nsystem\n.'), 'README.md'), ['os.system']);
  assert.deepEqual(suspects(storedZip({ 'x/data.pkl': pickle('cos\nsystem\n.') }), 'a.dat'), [
    'os.system',
  ]);
});

test('changed files are walked or refused, never a crash or a hang', () => {
  for (const whole of [torchFile('net'), stateDict()])
    for (const bytes of mutationsOf(whole, 1_500)) inspect(bytes);
});
