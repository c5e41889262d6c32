import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { refuseBareModel } from './bare-model.ts';
import { blockBytes } from './tar-header.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-bare-'));
after(() => fs.rmSync(dir, { recursive: true }));

test('a model by itself is no package; what begins as an archive may be one', () => {
  const file = path.join(dir, 'net.onnx');
  for (const bytes of ['', 'x', Buffer.alloc(2 * blockBytes, 1)]) {
    fs.writeFileSync(file, bytes);
    assert.throws(() => refuseBareModel(file), { code: 'INVALID_PACKAGE' });
  }
  fs.writeFileSync(file, Buffer.from([0x1f, 0x8b, 8]));
  refuseBareModel(file);
});

test('a file that cannot be read is no judgement on what it is', () => {
  // The first bytes of a process are mapped nowhere: it opens, and the read fails.
  const file = path.join(dir, 'unreadable.onnx');
  fs.symlinkSync('/proc/self/mem', file);
  assert.throws(() => refuseBareModel(file), { code: 'IO_ERROR', message: /EIO/ });
});
