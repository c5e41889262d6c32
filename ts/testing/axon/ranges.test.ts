import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, type TestContext, test } from 'node:test';
import { AxonError } from '../../axon/axon-error.ts';
import { fetchAll } from '../../axon/download/fetch-all.ts';
import { fetchFile } from '../../axon/download/fetch-file.ts';
import type { DownloadOptions } from '../../axon/download/options.ts';
import { noteName, partName } from '../../axon/download/part.ts';
import { Slots } from '../../axon/download/slots.ts';
import { noProgress, type Progress } from '../../axon/render/progress.ts';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';

/* Files in ranges over several connections, several files at once, and what a full disk leaves. */
const piece = 100_000;
const data = randomBytes(1_000_000);
const many = Object.fromEntries(
  Array.from({ length: 8 }, (_, i) => [`part-${i}`, randomBytes(50_000)]),
);

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ files: { large: data, ...many } });
});
beforeEach(() => {
  double.tellTheTruth();
  double.seen.length = 0;
});
after(() => double.close());

const options: DownloadOptions = {
  maxRetries: 3,
  retryWaitMs: 1,
  stallMs: 500,
  connections: new Slots(4),
  ranges: { from: piece, piece },
  progress: noProgress,
  note: () => undefined,
  signal: new AbortController().signal,
  proxyFor: () => null,
};

function folderFor(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-ranges-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function requestFor(folder: string, name: string, bytes: Buffer) {
  return {
    path: name,
    url: `${double.cdn}/${name}`,
    dest: path.join(folder, name),
    label: name,
    size: bytes.length,
    maxBytes: 10_000_000,
    expected: { algorithm: 'sha256', hex: sha256(bytes) },
    statusError: ({ status }: { status: number }) =>
      new AxonError('BAD_RESPONSE', `the server answered ${status}`),
  } as const;
}

const asked = () => double.seen.map(({ headers }) => headers.range);
const isCode = (code: string) => (error: unknown) => AxonError.from(error).code === code;

test('a large file comes in ranges, each byte once', async (t) => {
  const folder = folderFor(t);
  const { sha256: hash, size } = await fetchFile(requestFor(folder, 'large', data), options);
  assert.deepEqual([hash, size], [sha256(data), data.length]);
  assert.ok(fs.readFileSync(path.join(folder, 'large')).equals(data));
  assert.deepEqual(fs.readdirSync(folder), ['large']);
  const starts = asked().map((range) => Number(/^bytes=(\d+)-\d+$/.exec(range ?? '')?.[1]));
  assert.deepEqual(
    starts.sort((a, b) => a - b),
    Array.from({ length: 10 }, (_, i) => i * piece),
  );
});

test('a range that fails is asked for again alone, from where it broke', async (t) => {
  const folder = folderFor(t);
  double.lie({ on: 'cdn', kind: 'cut', times: 3 });
  await fetchFile(requestFor(folder, 'large', data), options);
  assert.equal(asked().length, 13);
  assert.ok(fs.readFileSync(path.join(folder, 'large')).equals(data));
});

test('a server without ranges is taken as it is: one request', async (t) => {
  const folder = folderFor(t);
  double.lie({ on: 'cdn', kind: 'ignore-range' });
  double.lie({ on: 'cdn', kind: 'header', headers: { 'accept-ranges': null } });
  // The first lie that fits is told: `ignore-range` only reads ranges that do not begin at 0.
  const { url, ...rest } = requestFor(folder, 'large', data);
  await fetchFile({ ...rest, url }, { ...options, connections: new Slots(1) });
  assert.deepEqual(asked(), [undefined]);
});

for (const kind of [
  'ignore-range',
  'range-200',
  'unnamed-range',
  'wrong-range',
  'multipart',
  'unsatisfied',
  'no-total',
  'short-range',
  'short',
] as const) {
  test(`ranges, and then ${kind}: the right bytes`, async (t) => {
    const folder = folderFor(t);
    double.lie({ on: 'cdn', kind: 'header', headers: {}, times: 3 });
    double.lie({ on: 'cdn', kind, times: 3 });
    await fetchFile(requestFor(folder, 'large', data), options);
    assert.ok(fs.readFileSync(path.join(folder, 'large')).equals(data));
  });
}

test('a wrong byte in one range costs a clean second try, then the error', async (t) => {
  const folder = folderFor(t);
  double.lie({ on: 'cdn', kind: 'flip', times: 1 });
  await fetchFile(requestFor(folder, 'large', data), options);
  fs.rmSync(path.join(folder, 'large'));
  double.lie({ on: 'cdn', kind: 'flip' });
  await assert.rejects(
    fetchFile(requestFor(folder, 'large', data), options),
    isCode('CHECKSUM_MISMATCH'),
  );
  assert.deepEqual(fs.readdirSync(folder), []);
});

test('one range that never comes stops the others; the next run fetches that alone', async (t) => {
  const folder = folderFor(t);
  const lost = { ...requestFor(folder, 'large', data), url: `${double.cdn}/large?lost` };
  double.lie({ on: 'cdn', kind: 'header', headers: {}, times: 7 });
  double.lie({ on: 'cdn', kind: 'reset' });
  await assert.rejects(
    fetchFile(lost, { ...options, connections: new Slots(2) }),
    isCode('NETWORK'),
  );
  assert.deepEqual(fs.readdirSync(folder).sort(), [
    path.basename(partName(lost)),
    path.basename(noteName(lost)),
  ]);
  double.tellTheTruth();
  double.seen.length = 0;
  await fetchFile(lost, options);
  assert.ok(asked().length <= 4, `${asked().length} requests for what was missing`);
  assert.ok(fs.readFileSync(path.join(folder, 'large')).equals(data));
});

test('a part of ranges whose note is gone, or lies, is not gone on with', async (t) => {
  const folder = folderFor(t);
  const request = requestFor(folder, 'large', data);
  fs.writeFileSync(partName(request), Buffer.alloc(500_000));
  await fetchFile(request, options);
  fs.rmSync(request.dest);
  const hash = `sha256:${request.expected.hex}`;
  for (const spans of [[{ start: 0, end: 900_000 }], [{ start: -1, end: 2 }], 'x', [{}]]) {
    fs.writeFileSync(partName(request), Buffer.alloc(500_000));
    fs.writeFileSync(
      noteName(request),
      JSON.stringify({ url: request.url, hash, etag: null, spans }),
    );
    await fetchFile(request, options);
    assert.ok(fs.readFileSync(request.dest).equals(data));
    fs.rmSync(request.dest);
  }
});

test('several files at once: all of them, in order, with a plan and an end for each', async (t) => {
  const folder = folderFor(t);
  const events: string[] = [];
  const progress: Progress = {
    ...noProgress,
    plan: (sizes) => void events.push(`plan ${sizes.join(' ')}`),
    file: (name) => ({
      from: () => undefined,
      at: () => undefined,
      end: (whole) => void events.push(`${name} ${whole}`),
    }),
  };
  const requests = Object.entries(many).map(([name, bytes]) => requestFor(folder, name, bytes));
  double.lie({ on: 'cdn', kind: 'slow', times: 4 });
  const files = await fetchAll(requests, { ...options, progress });
  assert.deepEqual(
    files.map(({ path: name }) => name),
    Object.keys(many),
  );
  assert.equal(events[0], `plan ${requests.map(({ size }) => size).join(' ')}`);
  assert.deepEqual(
    events.slice(1).sort(),
    Object.keys(many).map((name) => `${name} true`),
  );
});

test('the first file that fails stops the others; what came stays for the next run', async (t) => {
  const folder = folderFor(t);
  const requests = Object.entries(many).map(([name, bytes]) => requestFor(folder, name, bytes));
  double.lie({ on: 'cdn', match: 'part-2', kind: 'status', status: 404 });
  double.lie({ on: 'cdn', kind: 'mute' });
  const work = fetchAll(requests, { ...options, stallMs: 60_000 });
  await assert.rejects(work, /404/);
  double.tellTheTruth();
  assert.equal((await fetchAll(requests, options)).length, 8);
  assert.equal(fs.readdirSync(folder).length, 8);
});

test('a disk that is full in the middle: the error says so, and nothing of it is kept', async (t) => {
  const folder = folderFor(t);
  const request = requestFor(folder, 'large', data);
  fs.symlinkSync('/dev/full', partName(request));
  await assert.rejects(fetchFile(request, options), isCode('NO_SPACE'));
  assert.deepEqual(fs.readdirSync(folder), []);
});

test('a file that cannot fit is refused before its first byte', async (t) => {
  const folder = folderFor(t);
  double.lie({ on: 'cdn', kind: 'header', headers: { 'content-length': String(2 ** 52) } });
  const request = {
    ...requestFor(folder, 'large', data),
    size: null,
    maxBytes: 2 ** 53,
    expected: null,
  };
  await assert.rejects(fetchFile(request, options), isCode('NO_SPACE'));
  assert.deepEqual(fs.readdirSync(folder), []);
});

/** Of a file whose size and hash nobody states. */
function unknown(folder: string) {
  return { ...requestFor(folder, 'large', data), size: null, expected: null };
}

test('an end that got lost: the server says that nothing is missing', async (t) => {
  const folder = folderFor(t);
  double.lie({ on: 'cdn', kind: 'cut-end', times: 1 });
  const bytes = many['part-0'] ?? Buffer.alloc(0);
  const request = { ...requestFor(folder, 'part-0', bytes), size: null, expected: null };
  const got = await fetchFile(request, options);
  assert.equal(got.sha256, sha256(bytes));
  assert.deepEqual(asked(), [undefined, `bytes=${bytes.length}-`]);
});

test('a file that nobody states a hash of is gone on with under the same ETag only', async (t) => {
  const folder = folderFor(t);
  double.lie({ on: 'cdn', kind: 'cut', times: 1 });
  assert.equal((await fetchFile(unknown(folder), options)).sha256, sha256(data));
  const [first, second] = double.seen.map(({ headers }) => headers);
  assert.deepEqual([first?.range, first?.['if-range']], [undefined, undefined]);
  assert.match(second?.range ?? '', /^bytes=\d+-$/);
  assert.equal(second?.['if-range'], `"${sha256(data)}"`);
});
