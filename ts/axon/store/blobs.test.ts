import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Blobs } from './blobs.ts';
import { HashIndex } from './hash-index.ts';
import { StoreLayout } from './layout.ts';
import { hardLink, type LinkFile } from './same-content.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-blobs-'));
after(() => fs.rmSync(dir, { recursive: true }));
const { signal } = new AbortController();
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

/** As on a file system without hard links, or with too many of them. */
const noLink: LinkFile = () => false;

for (const [name, link] of Object.entries({ links: hardLink, copies: noLink })) {
  test(`a file becomes a blob, and the blob a file again: ${name}`, async () => {
    const layout = new StoreLayout(path.join(dir, name));
    const damaged: string[] = [];
    const blobs = new Blobs(layout, (sha256) => damaged.push(sha256), link);
    const [a, b, c] = ['a', 'b', 'c'].map((file) => path.join(dir, `${name}-${file}`)) as [
      string,
      string,
      string,
    ];
    for (const file of [a, b]) fs.writeFileSync(file, 'same');
    for (const file of [a, b]) await blobs.adopt(file, hash('same'), signal);
    const taken = await blobs.take(hash('same'), c, null, signal);
    assert.deepEqual(taken, { sha256: hash('same'), size: 4, mismatch: null });
    assert.deepEqual(
      [a, b, c].map((file) => fs.readFileSync(file, 'utf8')),
      ['same', 'same', 'same'],
    );
    assert.equal(fs.statSync(layout.blob(hash('same'))).nlink, name === 'links' ? 4 : 1);

    const blob = layout.blob(hash('same'));
    fs.rmSync(blob);
    fs.writeFileSync(blob, 'evil');
    assert.equal(await blobs.take(hash('same'), c, null, signal), null);
    assert.ok(!fs.existsSync(c) && !fs.existsSync(blob));
    assert.deepEqual(damaged, [hash('same')]);
    await blobs.adopt(a, hash('same'), signal);
    assert.equal(fs.readFileSync(blob, 'utf8'), 'same');
    assert.equal(await blobs.take(hash('none'), c, null, signal), null);
    const left = fs.existsSync(layout.drafts) ? fs.readdirSync(layout.drafts) : [];
    assert.deepEqual(left, []);
  });
}

test('other hashes lead to a blob; weak ones, torn lines and lost blobs do not', async () => {
  const layout = new StoreLayout(path.join(dir, 'index'));
  const index = new HashIndex(layout);
  const git = { algorithm: 'git-sha1', hex: 'a'.repeat(40) } as const;
  const md5 = { algorithm: 'md5', hex: 'b'.repeat(32) } as const;
  const sha512 = { algorithm: 'sha512', hex: 'c'.repeat(128) } as const;
  assert.equal((await index.find([git]))(git), null);
  index.add([
    { hash: git, sha256: hash('git') },
    { hash: md5, sha256: hash('md5') },
  ]);
  fs.appendFileSync(layout.hashIndex, 'git-sha1 abc');
  index.add([{ hash: sha512, sha256: hash('lost with the torn line') }]);
  index.add([{ hash: sha512, sha256: hash('sha512') }]);
  const found = await index.find([git, md5, sha512]);
  assert.deepEqual([found(git), found(md5), found(sha512)], [hash('git'), null, hash('sha512')]);
  await new Blobs(layout, () => undefined).adopt(
    (() => {
      const file = path.join(dir, 'git');
      fs.writeFileSync(file, 'git');
      return file;
    })(),
    hash('git'),
    signal,
  );
  await index.compact();
  assert.equal(fs.readFileSync(layout.hashIndex, 'utf8'), `git-sha1 ${git.hex} ${hash('git')}\n`);
});
