import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { digestFile, readTextFile } from './regular-file.ts';

const folder = await mkdtemp(join(tmpdir(), 'mlos-regular-'));
after(() => rm(folder, { recursive: true }));
const place = (name: string) => join(folder, name);
const watchdog = { timeout: 20_000 };

test('only a regular file is read, and all others are named', watchdog, async () => {
  execFileSync('mkfifo', [place('pipe')]);
  await symlink('/dev/zero', place('link'));
  for (const [path, kind] of [
    [place('pipe'), 'a named pipe'],
    ['/dev/zero', 'a device'],
    [place('link'), 'a device'],
    [folder, 'a folder'],
  ] as const) {
    const message = `${path} is ${kind}; a regular file is needed.`;
    await assert.rejects(digestFile(path), { code: 'INVALID_ARGUMENT', message });
    const options = { code: 'INVALID_MANIFEST', maxBytes: 10 } as const;
    await assert.rejects(readTextFile(path, options), { code: 'INVALID_MANIFEST', message });
  }
  await assert.rejects(digestFile(place('nothing')), { code: 'ENOENT' });
});

test('a text: the limit is read, one past it is refused', async () => {
  const options = { code: 'INVALID_MANIFEST', maxBytes: 8 } as const;
  await writeFile(place('text'), '12345678');
  assert.equal(await readTextFile(place('text'), options), '12345678');
  await appendFile(place('text'), '9');
  await assert.rejects(readTextFile(place('text'), options), {
    code: 'INVALID_MANIFEST',
    message: /it has 9 bytes; the limit is 8/,
  });
  await writeFile(place('text'), '');
  assert.equal(await readTextFile(place('text'), options), '');
});

test('digests of all lengths around a piece', async () => {
  const piece = 1 << 20;
  for (const size of [0, 1, piece - 1, piece, piece + 1, 3 * piece + 5]) {
    const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 255));
    await writeFile(place('model'), bytes);
    const expected = createHash('sha256').update(bytes).digest('hex');
    assert.equal(await digestFile(place('model')), expected, `${size} bytes`);
  }
});

test('a file that changes while it is read has no digest', async () => {
  const path = place('changing');
  const size = 64 << 20;
  const changes = {
    grows: () => appendFile(path, 'x'),
    shrinks: () => truncate(path, 10),
    'is written again': () => utimes(path, 1, 1),
  };
  for (const [what, change] of Object.entries(changes)) {
    await writeFile(path, '');
    await truncate(path, size);
    const digest = digestFile(path);
    // Under way by now: 64 MiB take many turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 10));
    const refused = assert.rejects(
      digest,
      { code: 'INVALID_ARGUMENT', message: /changed while it was read/ },
      what,
    );
    await change();
    await refused;
  }
});

test('the event loop turns while a large file is hashed', async () => {
  await writeFile(place('large'), '');
  await truncate(place('large'), 64 << 20);
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 0);
  await digestFile(place('large'));
  clearInterval(timer);
  assert.ok(turns >= 10, `${turns} turns`);
});
