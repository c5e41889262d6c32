import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { formatManifest, type Manifest } from '../../protocol/manifest.ts';
import { pax, rawEntry, tarEnd } from '../hub-double/raw-tar.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';

/*
 * Archives that somebody made in order to do harm, or that are broken. Each ends with its code, and
 * neither a model nor a file is there afterwards.
 */
const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');
const model = tinyOnnx();
const config = `{"text": "${'words '.repeat(500)}"}`;

function manifestOf(files: Readonly<Record<string, Buffer | string>>): Manifest {
  return {
    apiVersion: 'axon.mlos.io/v1',
    kind: 'Model',
    metadata: { namespace: 'my', name: 'net', version: '1', license: 'unknown' },
    spec: {
      framework: { name: 'onnx' },
      format: {
        type: 'onnx',
        execution_format: 'onnx',
        files: Object.entries(files).map(([name, data]) => ({
          path: name,
          size: Buffer.byteLength(data),
          sha256: sha256(data),
          verified_by: 'local' as const,
        })),
        execution_files: [{ path: 'model.onnx', format: 'onnx', type: 'single' }],
      },
    },
  };
}

const usual = { 'config.json': config, 'model.onnx': model };
const manifest = rawEntry({ name: 'manifest.yaml', data: formatManifest(manifestOf(usual)) });
const files = [
  rawEntry({ name: 'config.json', data: config }),
  rawEntry({ name: 'model.onnx', data: model }),
];
const outside = tinyOnnx({ weights: [{ name: 'w', location: '../../../etc/passwd' }] });
const inside = tinyOnnx({ weights: [{ name: 'w', location: 'w.bin' }] });
const whole = (...parts: readonly Buffer[]) =>
  Buffer.concat([manifest, ...files, ...parts, tarEnd]);
const longName = `${'n'.repeat(300)}.json`;

const packed = (name: string, plain: Buffer | string) =>
  rawEntry({ name: `${name}.gz`, data: gzipSync(plain) });

/** What the archive is, its bytes, how axon ends, and what it says. */
const cases: readonly (readonly [string, Buffer, number, RegExp])[] = [
  ['a link', whole(rawEntry({ name: 'l', type: '2', linkname: '/etc/passwd' })), 11, /symlink/],
  ['a hard link', whole(rawEntry({ name: 'l', type: '1', linkname: 'model.onnx' })), 11, /link/],
  ['a character device', whole(rawEntry({ name: 'd', type: '3' })), 11, /character device/],
  ['a block device', whole(rawEntry({ name: 'd', type: '4' })), 11, /block device/],
  ['a pipe', whole(rawEntry({ name: 'p', type: '6' })), 11, /fifo/],
  ['an unknown type', whole(rawEntry({ name: 'u', type: 'Z' })), 11, /special file/],
  ['a set-user-ID file', whole(rawEntry({ name: 's', mode: 0o4755 })), 11, /set-user-ID/],
  ['a set-group-ID file', whole(rawEntry({ name: 's', mode: 0o2755 })), 11, /set-user-ID/],
  ['a GNU sparse file', whole(rawEntry({ name: 's', type: 'S' })), 11, /sparse/],
  [
    'a pax sparse file',
    whole(pax({ 'GNU.sparse.major': '1' }), rawEntry({ name: 's' })),
    11,
    /sparse/,
  ],
  ['a path that leaves', whole(rawEntry({ name: '../../evil' })), 11, /path inside/],
  ['an absolute path', whole(rawEntry({ name: '/etc/evil' })), 11, /path inside/],
  ['a drive letter', whole(rawEntry({ name: 'C:evil' })), 11, /path inside/],
  ['a backslash', whole(rawEntry({ name: '..\\evil' })), 11, /path inside/],
  ['a NUL in a name', whole(pax({ path: 'é\0/evil' }), rawEntry({ name: 'e' })), 11, /NUL/],
  ['a control character', whole(rawEntry({ name: 'a\u0007b' })), 11, /path inside/],
  ['too long a name', whole(pax({ path: longName }), rawEntry({ name: 'n' })), 11, /path inside/],
  ['a file twice', whole(files[0] ?? tarEnd), 11, /comes twice/],
  ['a twin by case', whole(rawEntry({ name: 'CONFIG.json' })), 11, /collides/],
  ['compressed and plain', whole(packed('config.json', config)), 11, /comes twice/],
  ['a file that is a folder too', whole(rawEntry({ name: 'config.json/x' })), 11, /folder/],
  ["axon's own note", whole(rawEntry({ name: '.axon_metadata.json' })), 11, /axon itself uses/],
  ['a second manifest', whole(manifest), 11, /axon itself uses/],
  [
    'a pax path over another',
    whole(pax({ path: 'b' }), rawEntry({ name: 'a' })),
    11,
    /is called "a"/,
  ],
  [
    'a pax path twice',
    whole(pax({ path: 'é', 'path ': '' }), pax({ size: '7' }), rawEntry({ name: 'a' })),
    11,
    /two sizes/,
  ],
  [
    'a pax size over another',
    whole(pax({ size: '512' }), rawEntry({ name: 'a' })),
    11,
    /two sizes/,
  ],
  ['a path for all entries', whole(pax({ path: 'x' }, 'g')), 11, /all entries/],
  [
    'a malformed pax header',
    whole(rawEntry({ name: 'P', type: 'x', data: '99 path=x\n' })),
    12,
    /malformed/,
  ],
  [
    'a huge pax header',
    whole(rawEntry({ name: 'P', type: 'x', data: 'x'.repeat(70_000) })),
    11,
    /extended header/,
  ],
  [
    'many pax headers',
    whole(...Array.from({ length: 20 }, () => pax({ mtime: '1' }))),
    11,
    /too many/,
  ],
  ['bytes behind the end', Buffer.concat([whole(), Buffer.from('more')]), 11, /behind its end/],
  [
    'bytes behind the gzip',
    Buffer.concat([gzipSync(whole()), Buffer.from('more')]),
    12,
    /not a whole/,
  ],
  ['no end', Buffer.concat([manifest, ...files]), 12, /cut/],
  ['cut in a file', whole().subarray(0, manifest.length + 700), 12, /cut/],
  ['cut in a header', whole().subarray(0, manifest.length + 100), 12, /cut/],
  ['a wrong checksum', whole(rawEntry({ name: 'x', badChecksum: true })), 12, /checksum/],
  ['a size that is not there', whole(rawEntry({ name: 'x', size: 8 ** 11 - 1 })), 12, /not list/],
  ['a folder with a content', whole(rawEntry({ name: 'd/', type: '5', data: 'x' })), 11, /folder/],
  ['a file that is not listed', whole(rawEntry({ name: 'x.txt' })), 12, /does not list/],
  ['a file that lacks', Buffer.concat([manifest, tarEnd]), 12, /lacks "config\.json"/],
  [
    'another content',
    Buffer.concat([
      manifest,
      rawEntry({ name: 'config.json', data: `${config.slice(0, -1)} ` }),
      tarEnd,
    ]),
    10,
    /not what the manifest/,
  ],
  [
    'a bomb',
    Buffer.concat([manifest, packed('config.json', Buffer.alloc(50_000_000)), tarEnd]),
    10,
    /not what the manifest/,
  ],
  [
    'a bomb as a whole',
    gzipSync(Buffer.concat([manifest, rawEntry({ name: 'x', data: Buffer.alloc(300_000_000) })])),
    12,
    /not list|far more/,
  ],
  [
    'broken gzip',
    Buffer.concat([manifest, rawEntry({ name: 'config.json.gz', data: 'no gzip' }), tarEnd]),
    12,
    /header/,
  ],
  ['no manifest', Buffer.concat([...files, tarEnd]), 12, /earlier releases/],
  [
    'a manifest that is too large',
    Buffer.concat([rawEntry({ name: 'manifest.yaml', data: 'x'.repeat(5_000_000) }), tarEnd]),
    12,
    /at most/,
  ],
  ['nothing', Buffer.alloc(0), 12, /cut|empty/],
  ['zeros', tarEnd, 12, /empty/],
  [
    'a model that opens a file outside',
    packageOf({ 'model.onnx': outside }),
    11,
    /path inside|no file of the package/,
  ],
  ['a model that lacks its data', packageOf({ 'model.onnx': inside }), 11, /"w\.bin"/],
  [
    'twins in the manifest',
    packageText({ 'model.onnx': model, 'a.txt': '', 'A.txt': '' }),
    12,
    /collide/,
  ],
  [
    'Unicode twins in the manifest',
    packageText({ 'model.onnx': model, '\u00e9': '', 'e\u0301': '' }),
    12,
    /collide/,
  ],
  [
    'a listed path that leaves',
    packageText({ 'model.onnx': model, '../x': '' }),
    12,
    /inside the package/,
  ],
];

function entriesOf(contents: Readonly<Record<string, Buffer | string>>): Buffer[] {
  return Object.entries(contents).map(([name, data]) => rawEntry({ name, data }));
}

function packageOf(contents: Readonly<Record<string, Buffer | string>>): Buffer {
  const yaml = rawEntry({ name: 'manifest.yaml', data: formatManifest(manifestOf(contents)) });
  return Buffer.concat([yaml, ...entriesOf(contents), tarEnd]);
}

/** The same with a manifest that axon would not write. */
function packageText(contents: Readonly<Record<string, Buffer | string>>): Buffer {
  const yaml = rawEntry({ name: 'manifest.yaml', data: JSON.stringify(manifestOf(contents)) });
  return Buffer.concat([yaml, ...entriesOf(contents), tarEnd]);
}

for (const [what, bytes, status, says] of cases)
  test(`an archive with ${what}: refused, nothing half-made`, async (t) => {
    const home = makeHome(t);
    const file = path.join(home.dir, 'x.axon');
    fs.writeFileSync(file, bytes);
    const installed = await home.axon('install', './x.axon');
    assert.equal(installed.status, status, installed.stderr);
    assert.match(installed.stderr, says);
    assert.deepEqual(home.installed(), []);
    assert.deepEqual(fs.readdirSync(path.join(home.dir, 'cache/staging')), []);
    const unpacked = await home.axon('unpack', 'x.axon', '-C', 'out');
    assert.equal(unpacked.status, status, unpacked.stderr);
    assert.deepEqual(fs.readdirSync(home.dir).sort(), ['cache', 'config.yaml', 'x.axon']);
  });

test('a whole one is taken, compressed as a whole or not, and with what other writers add', async (t) => {
  const comment = pax({ comment: 'a'.repeat(40) }, 'g');
  for (const [name, bytes] of Object.entries({
    plain: whole(),
    gzip: gzipSync(whole()),
    'one file compressed': Buffer.concat([
      manifest,
      packed('config.json', config),
      ...files.slice(1),
      tarEnd,
    ]),
    'other records': Buffer.concat([
      manifest,
      pax({ mtime: '1.5' }),
      ...files,
      rawEntry({ name: 'd/', type: '5' }),
      Buffer.alloc(10_240),
    ]),
    'a comment': Buffer.concat([comment, manifest, ...files, tarEnd]),
  })) {
    const home = makeHome(t);
    fs.writeFileSync(path.join(home.dir, 'x.axon'), bytes);
    const done = await home.axon('install', './x.axon', '--json');
    assert.equal(done.status, 0, `${name}: ${done.stderr}`);
    assert.equal((await home.axon('verify', 'my/net@1')).status, 0, name);
  }
});
