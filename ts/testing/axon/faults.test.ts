import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { exitCodes } from '../../axon/exit-codes.ts';
import type { Fault } from '../hub-double/faults.ts';
import { goodToken } from '../hub-double/hf.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/*
 * Whatever goes wrong on the way, an install ends in one of two ways: verified bytes, or an error of the
 * list with nothing visible. After each fault the truth is told, and the same install must end well: no
 * fault leaves something behind that a later one trips over.
 */
const repo = {
  id: 'acme/bert',
  files: {
    'README.md': '# bert',
    'config.json': '{"hidden":1}',
    'a#b+c %25.txt': 'odd',
    'onnx/model.onnx': tinyOnnx({ weights: [{ name: 'w', location: 'model.onnx_data' }] }),
    'onnx/model.onnx_data': Buffer.alloc(200_000, 7),
  },
};
const gated = { id: 'acme/gated', gated: true, files: { 'model.onnx': tinyOnnx() } };

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ repos: [repo, gated], pageSize: 2 });
});
beforeEach(() => {
  double.tellTheTruth();
  double.seen.length = 0;
});
after(() => double.close());

type Code = keyof typeof exitCodes;
interface Row {
  readonly faults: readonly Fault[];
  /** null: verified bytes. */
  readonly code: Code | null;
  readonly says?: RegExp;
}

// Both LFS files come from the content network; this is in their signed addresses.
const lfs = { on: 'cdn', match: 'Signature' } as const;
const file = { on: 'hf', match: 'resolve/.*onnx_data' } as const;
const once = (fault: Fault): Row => ({
  faults: [{ ...fault, times: 1 }],
  code: null,
});
const always = (fault: Fault, code: Code, says?: RegExp): Row => ({
  faults: [fault],
  code,
  ...(says === undefined ? {} : { says }),
});
/** A cut first, so that there is something to go on with. */
const resumed = (fault: Fault, code: Code | null = null): Row => ({
  faults: [{ ...lfs, kind: 'cut', times: 2 }, fault],
  code,
});
const status = (code: number, headers: Record<string, string> = {}, body = '') =>
  ({ kind: 'status', status: code, headers, body }) as const;
const xml = { 'content-type': 'application/xml' };
const expired = '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>';
const unsigned = '<Error><Code>SignatureDoesNotMatch</Code></Error>';

const rows: Readonly<Record<string, Row>> = {
  // The bytes.
  'one flipped byte, once': once({ ...lfs, kind: 'flip' }),
  'a flipped byte, always': always({ ...lfs, kind: 'flip' }, 'CHECKSUM_MISMATCH', /sha256/),
  'a flipped byte of a small file': always(
    { on: 'hf', match: 'resolve-cache', kind: 'flip' },
    'CHECKSUM_MISMATCH',
    /git-sha1/,
  ),
  'zeros of the right size, once': once({ ...lfs, kind: 'zeros' }),
  'zeros of the right size, always': always({ ...lfs, kind: 'zeros' }, 'CHECKSUM_MISMATCH'),
  'no bytes at all, once': once({ ...lfs, kind: 'empty' }),
  'no bytes at all, always': always(
    { ...lfs, kind: 'empty' },
    'CHECKSUM_MISMATCH',
    /announced 0 bytes/,
  ),
  'a cut connection, once': once({ ...lfs, kind: 'cut' }),
  'a cut connection, always': always({ ...lfs, kind: 'cut' }, 'NETWORK', /aborted|ECONNRESET/),
  'a short body with a clean end, once': once({ ...lfs, kind: 'short' }),
  'a short body with a clean end, always': always({ ...lfs, kind: 'short' }, 'NETWORK', /ended/),
  'a length that is too short, once': once({ ...lfs, kind: 'short-length' }),
  'a length that is too short, always': always(
    { ...lfs, kind: 'short-length' },
    'CHECKSUM_MISMATCH',
  ),
  'bytes after the end, once': once({ ...lfs, kind: 'extra' }),
  'bytes after the end, always': always(
    { ...lfs, kind: 'extra' },
    'CHECKSUM_MISMATCH',
    /more than/,
  ),
  'a body without an end': always({ ...lfs, kind: 'endless' }, 'CHECKSUM_MISMATCH'),
  'another file by the second range, once': resumed({ ...lfs, kind: 'change', times: 2 }),
  'another file by each second range': resumed({ ...lfs, kind: 'change' }),

  // Something else in its stead.
  'a web page': always({ ...lfs, kind: 'html' }, 'BAD_RESPONSE', /web page.*hotel/),
  'a web page instead of a small file': always(
    { on: 'hf', match: 'resolve', kind: 'html' },
    'BAD_RESPONSE',
    /web page/,
  ),
  'a document of errors': always({ ...lfs, kind: 'xml' }, 'BAD_RESPONSE', /NoSuchKey/),
  'a JSON answer': always({ ...lfs, kind: 'json' }, 'BAD_RESPONSE', /try again later/),
  'an LFS pointer': always({ ...lfs, kind: 'pointer' }, 'BAD_RESPONSE', /LFS pointer/),
  'a file list that is a web page': always(
    { on: 'hf', match: 'tree', kind: 'html' },
    'BAD_RESPONSE',
  ),
  'a file list that is something else': always(
    { on: 'hf', match: 'tree', kind: 'json' },
    'BAD_RESPONSE',
  ),
  'another commit': always(
    { on: 'hf', match: 'resolve', kind: 'header', headers: { 'x-repo-commit': 'a'.repeat(40) } },
    'BAD_RESPONSE',
    /commit/,
  ),

  // Ranges.
  'a range ignored': resumed({ ...lfs, kind: 'ignore-range' }),
  'a range answered 200': resumed({ ...lfs, kind: 'range-200' }),
  'another range than asked, once': resumed({ ...lfs, kind: 'wrong-range', times: 1 }),
  'another range than asked, always': resumed({ ...lfs, kind: 'wrong-range' }),
  'a part that does not say which': resumed({ ...lfs, kind: 'unnamed-range', times: 1 }),
  'never the whole, and not which part': always(
    { ...lfs, kind: 'unnamed-range' },
    'BAD_RESPONSE',
    /another part/,
  ),
  'less of a range than asked, each time': resumed({ ...lfs, kind: 'short-range', times: 6 }),
  'several ranges in one body': resumed({ ...lfs, kind: 'multipart' }),
  'a range of nobody knows how much': resumed({ ...lfs, kind: 'no-total' }),
  'a range of another file': resumed({ ...lfs, kind: 'wrong-total' }),
  'no range is satisfied': resumed({ ...lfs, kind: 'unsatisfied' }),

  // Heads.
  'no length': { faults: [{ ...lfs, kind: 'no-length' }], code: null },
  'another length of the redirect': once({
    on: 'hf',
    match: 'resolve',
    kind: 'header',
    headers: { 'x-linked-size': '1', 'x-linked-etag': '"0"' },
  }),
  'no commit, hash and size beside the redirect': once({
    on: 'hf',
    match: 'resolve',
    kind: 'header',
    headers: { 'x-repo-commit': null, 'x-linked-size': null, 'x-linked-etag': null },
  }),
  'packed without being asked to': always({ ...lfs, kind: 'gzip' }, 'BAD_RESPONSE', /packed/),
  'a head without measure': always({ ...lfs, kind: 'vast-head' }, 'NETWORK', /HEADER|header/i),

  // The connection.
  'reset, once': once({ ...lfs, kind: 'reset' }),
  'reset, always': always({ on: 'hf', match: 'revision', kind: 'reset' }, 'NETWORK'),
  'hung up on, once': once({ ...lfs, kind: 'hangup' }),
  'hung up on, always': always({ ...lfs, kind: 'hangup' }, 'NETWORK'),
  'not HTTP, once': once({ ...lfs, kind: 'garbage' }),
  'not HTTP, always': always({ ...lfs, kind: 'garbage' }, 'NETWORK'),
  'no answer, once': { faults: [{ ...lfs, kind: 'mute', times: 1 }], code: null },
  'a stalled body, once': { faults: [{ ...lfs, kind: 'stall', times: 1 }], code: null },
  'a slow body': once({ ...lfs, kind: 'slow' }),

  // Flow.
  '429, once': once({ ...lfs, ...status(429, { 'retry-after': '0' }) }),
  '429 with a date': once({
    ...lfs,
    ...status(429, { 'retry-after': new Date(Date.now() + 500).toUTCString() }),
  }),
  '429 with a window': {
    faults: [{ ...lfs, ...status(429, { ratelimit: '"resolvers";r=0;t=0' }), times: 1 }],
    code: null,
  },
  '429, always': always(
    { ...lfs, ...status(429, { 'retry-after': '0' }) },
    'RATE_LIMITED',
    /too many/,
  ),
  '429 for a day': always(
    { on: 'hf', match: 'tree', ...status(429, { 'retry-after': '86400' }) },
    'RATE_LIMITED',
    /86400 s/,
  ),
  '429 for a window of an hour': always(
    { ...lfs, ...status(429, { ratelimit: '"api";r=0;t=3599' }) },
    'RATE_LIMITED',
    /3600 s/,
  ),
  '429 until a date in another age': always(
    { ...lfs, ...status(429, { 'retry-after': 'Fri, 31 Dec 2100 23:59:59 GMT' }) },
    'RATE_LIMITED',
    /asks to wait \d{9,} s/,
  ),
  '503 for a day': always(
    { ...lfs, ...status(503, { 'retry-after': '86400' }) },
    'RATE_LIMITED',
    /86400 s/,
  ),
  '503, once': once({ ...lfs, ...status(503) }),
  '503, always': always({ on: 'hf', ...status(503) }, 'NETWORK'),
  '408, once': once({ ...lfs, ...status(408) }),
  '404 of the content network': always({ ...lfs, ...status(404) }, 'NOT_FOUND'),
  'a status that nobody knows': always({ ...lfs, ...status(799) }, 'BAD_RESPONSE', /799/),
  'an expired link, once': once({ ...lfs, ...status(403, xml, expired) }),
  'a signature that is never right': always(
    { ...lfs, ...status(403, xml, unsigned) },
    'BAD_RESPONSE',
    /SignatureDoesNotMatch/,
  ),
  'a content network that refuses': always({ ...lfs, ...status(403) }, 'ACCESS_DENIED'),

  // Redirects.
  'a circle': always({ ...file, kind: 'loop' }, 'BAD_RESPONSE', /circle/),
  'a circle of whole addresses': always(
    { ...file, kind: 'loop-absolute' },
    'BAD_RESPONSE',
    /circle/,
  ),
  'a maze': always({ ...file, kind: 'maze' }, 'BAD_RESPONSE', /more than 10 times/),
  'a maze of the API': always(
    { on: 'hf', match: 'tree', kind: 'maze' },
    'BAD_RESPONSE',
    /more than 10 times/,
  ),
  'to nowhere': always({ ...file, kind: 'nowhere' }, 'BAD_RESPONSE'),
  'to a file': always(
    { ...file, kind: 'redirect', to: 'file:///etc/passwd' },
    'BAD_RESPONSE',
    /only http/,
  ),
  'to data': always(
    { ...file, kind: 'redirect', to: 'data:text/plain,x' },
    'BAD_RESPONSE',
    /only http/,
  ),
  'to what is no address': always(
    { ...file, kind: 'redirect', to: 'http://[' },
    'BAD_RESPONSE',
    /not a URL/,
  ),
  'to another port, where nobody is': always(
    { ...file, kind: 'redirect', to: 'http://127.0.0.1:1/' },
    'NETWORK',
  ),
};

const config = 'download:\n  retry_wait_ms: 2\n  max_retries: 3\n  stall_seconds: 1\n';

function quickHome(t: Parameters<typeof makeHome>[0]): Home {
  const home = makeHome(t, double);
  fs.writeFileSync(path.join(home.dir, 'config.yaml'), config);
  return home;
}

function assertWhole(home: Home): void {
  const dir = path.join(home.models, 'hf/acme/bert/latest');
  for (const name of [
    'config.json',
    'onnx/model.onnx',
    'onnx/model.onnx_data',
    'a#b+c %25.txt',
  ] as const)
    assert.ok(fs.readFileSync(path.join(dir, name)).equals(Buffer.from(repo.files[name])), name);
}

/** Nothing lies about but the store, and in it parts for the next run only in staging. */
function assertTidy(home: Home): void {
  assert.deepEqual(fs.readdirSync(home.dir).sort(), ['cache', 'config.yaml']);
  const locks = path.join(home.dir, 'cache/locks');
  assert.deepEqual(fs.existsSync(locks) ? fs.readdirSync(locks) : [], []);
}

/** The token goes to the hub alone, and no request asks for packed bytes. */
function assertDiscreet(): void {
  for (const { on, headers } of double.seen) {
    if (on !== 'hf') assert.equal(headers.authorization, undefined, on);
    assert.equal(headers.cookie, undefined);
    assert.equal(headers['accept-encoding'], 'identity');
  }
}

const install = (home: Home) =>
  home.axonWith({ HF_TOKEN: goodToken }, 'install', 'hf/acme/bert', '--all', '--json');

for (const [name, { faults, code, says }] of Object.entries(rows)) {
  test(`${name}: ${code ?? 'verified bytes'}`, async (t) => {
    const home = quickHome(t);
    for (const fault of faults) double.lie(fault);
    const ended = await install(home);
    assert.equal(ended.status, code === null ? 0 : exitCodes[code].exit, ended.stderr);
    assertDiscreet();
    assertTidy(home);
    if (code === null) assertWhole(home);
    else {
      const { error } = ended.json<{ error: { code: string; message: string } }>();
      assert.equal(error.code, code);
      if (says !== undefined) assert.match(error.message, says);
      assert.deepEqual(home.installed(), []);
    }
    double.tellTheTruth();
    const after = await install(home);
    assert.equal(after.status, 0, after.stderr);
    assertWhole(home);
    assertTidy(home);
  });
}

test('a gated repository: its files are refused with the reason, also by a token without access', async (t) => {
  const home = quickHome(t);
  const ended = await home.axon('install', 'hf/acme/gated');
  assert.equal(ended.status, exitCodes.ACCESS_DENIED.exit);
  assert.deepEqual(home.installed(), []);
});
