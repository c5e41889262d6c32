import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { parseManifest } from '../../protocol/manifest.ts';
import type { Fault } from '../hub-double/faults.ts';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { failure, headOfModelscope, modelscopeToken } from '../hub-double/modelscope.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';

const onnx = tinyOnnx();
const repo = {
  id: 'acme/Net-1.5',
  unhashed: ['README.md'],
  files: {
    'README.md': '# net',
    'configuration.json': '{"framework":"onnx","task":"image-classification"}',
    'onnx/model.onnx': onnx,
    'onnx/a b#c.json': '{}',
    'vocab.txt': 'x'.repeat(100_000),
  },
};
const huge = {
  id: 'acme/huge',
  branch: 'main',
  files: {
    'model.onnx': onnx,
    ...Object.fromEntries(
      Array.from({ length: 6000 }, (_, i) => [`data/${i % 3}/${i}.txt`, `${i}`]),
    ),
    'z/last.json': '{}',
  },
};
const flat = {
  id: 'acme/flat',
  files: {
    'model.onnx': onnx,
    ...Object.fromEntries(Array.from({ length: 3100 }, (_, i) => [`data/${i}.txt`, ''])),
  },
};
const closed = { id: 'acme/closed', private: true, files: { 'model.onnx': onnx } };
const evil = { id: 'acme/evil', files: { '../../evil.onnx': onnx } };

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ scope: [repo, huge, flat, closed, evil] });
});
beforeEach(() => {
  double.tellTheTruth();
  double.seen.length = 0;
});
after(() => double.close());

const dirOf = (models: string, id = 'acme/Net-1.5/latest') => path.join(models, 'modelscope', id);

function assertWhole(dir: string): void {
  for (const name of ['README.md', 'configuration.json', 'onnx/model.onnx', 'vocab.txt'] as const)
    assert.ok(fs.readFileSync(path.join(dir, name)).equals(Buffer.from(repo.files[name])), name);
}

test('a repository is pinned to its commit; each file is checked as well as the hub allows', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axon('install', 'modelscope/acme/Net-1.5@latest', '--json');
  assert.equal(done.status, 0, done.stderr);
  assertWhole(dirOf(home.models));
  const manifest = parseManifest(
    fs.readFileSync(path.join(dirOf(home.models), 'manifest.yaml'), 'utf8'),
  );
  assert.equal(manifest.distribution?.source?.revision, headOfModelscope(repo));
  assert.equal(manifest.metadata.license, 'Apache-2.0');
  assert.deepEqual(manifest.metadata.tags, ['image-classification', 'pytorch', 'vision']);
  const how = new Map(manifest.spec.format.files.map((file) => [file.path, file.verified_by]));
  assert.equal(how.get('onnx/model.onnx'), 'sha256');
  assert.equal(how.get('vocab.txt'), 'sha256');
  assert.equal(how.get('README.md'), 'tofu', 'the list states no hash of it');
  const requests = double.seen.length;
  const again = await home.axon('install', 'ms/acme/Net-1.5', '--json');
  assert.equal(again.json()['status'], 'already-installed');
  assert.equal(double.seen.length, requests, 'no request for what is here');
});

test('branches, tags and commits; what is not there is named with what is', async (t) => {
  const home = makeHome(t, double);
  const commit = headOfModelscope(repo);
  for (const asked of ['master', 'main', 'v1.0', commit]) {
    const shown = await home.axon('install', `ms/acme/Net-1.5@${asked}`, '--dry-run', '--json');
    assert.equal(shown.status, 0, shown.stderr);
    assert.equal(shown.json<{ source: { revision: string } }>().source.revision, commit);
  }
  const wrong = await home.axon('install', 'ms/acme/Net-1.5@v1');
  assert.equal(wrong.status, 5);
  assert.match(wrong.stderr, /Did you mean "v1\.0"\? It has: v1\.0, master/);
  assert.equal((await home.axon('install', `ms/acme/Net-1.5@${'0'.repeat(40)}`)).status, 5);
  assert.equal((await home.axon('install', 'ms/acme/none')).status, 5);
  assert.equal((await home.axon('install', 'ms/acme')).status, 2);
  assert.equal((await home.axon('install', 'ms/acme/../x')).status, 2);
  assert.equal((await home.axon('install', 'ms/acme/evil')).status, 11);
  assert.deepEqual(home.installed(), []);
});

test('a list that was cut at 3000 entries is asked for by folder; one that cannot be is refused', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axon(
    'install',
    'ms/acme/huge',
    '--include',
    'model.onnx',
    '--include',
    '*99.txt',
    '--include',
    'z/*',
  );
  assert.equal(done.status, 0, done.stderr);
  const installed = fs.readdirSync(dirOf(home.models, 'acme/huge/latest'), {
    recursive: true,
    encoding: 'utf8',
  });
  assert.equal(installed.filter((name) => name.endsWith('.txt')).length, 60);
  assert.ok(installed.includes('z/last.json'));
  const flatEnd = await home.axon('install', 'ms/acme/flat');
  assert.equal(flatEnd.status, 9, flatEnd.stderr);
  assert.match(flatEnd.stderr, /at most 3000 files of one folder; data/);
});

test('the token goes to ModelScope only, in both forms; without it a private repository is told of', async (t) => {
  const home = makeHome(t, double);
  const refused = await home.axon('install', 'ms/acme/closed');
  assert.equal(refused.status, 5);
  assert.match(refused.stderr, /private.*Set MODELSCOPE_API_TOKEN/);
  double.seen.length = 0;
  const env = { MODELSCOPE_API_TOKEN: modelscopeToken };
  const done = await home.axonWith(env, 'install', 'ms/acme/closed');
  assert.equal(done.status, 0, done.stderr);
  for (const { on, headers } of double.seen) {
    assert.equal(
      headers.cookie,
      on === 'modelscope' ? `m_session_id=${modelscopeToken}` : undefined,
    );
    assert.equal(
      headers.authorization,
      on === 'modelscope' ? `Bearer ${modelscopeToken}` : undefined,
    );
  }
});

test("what ModelScope's own tools have here is taken from their cache after hashing", async (t) => {
  const home = makeHome(t, double);
  const cache = path.join(home.dir, '.cache/modelscope/hub/models/acme/Net-1___5');
  fs.mkdirSync(path.join(cache, 'onnx'), { recursive: true });
  fs.writeFileSync(path.join(cache, 'onnx/model.onnx'), onnx);
  fs.writeFileSync(path.join(cache, 'vocab.txt'), 'y'.repeat(100_000));
  const done = await home.axon('install', 'ms/acme/Net-1.5');
  assert.equal(done.status, 0, done.stderr);
  assertWhole(dirOf(home.models));
  const fetched = double.seen.filter(({ path: asked }) => asked.includes('FilePath'));
  assert.ok(!fetched.some(({ path: asked }) => asked.includes('model.onnx')));
  assert.ok(
    fetched.some(({ path: asked }) => asked.includes('vocab.txt')),
    'that copy was damaged',
  );
});

const overloaded = JSON.stringify(failure(10010205001, 'Error 1461: max_prepared_stmt_count'));
const refusal = JSON.stringify(failure(10010200001, 'no access'));
const json = { 'content-type': 'application/json' };
const rows: Record<string, { fault: Fault; status: number; says?: RegExp }> = {
  'one flipped byte': { fault: { on: 'cdn', kind: 'flip', times: 1 }, status: 0 },
  'a flipped byte, always': { fault: { on: 'cdn', kind: 'flip' }, status: 10 },
  'a flipped byte in a small file, always': {
    fault: { on: 'modelscope', match: 'FilePath=vocab', kind: 'flip' },
    status: 10,
  },
  'a cut connection, gone on with by a Range that is answered 200': {
    fault: { on: 'modelscope', match: 'FilePath=vocab', kind: 'cut', times: 2 },
    status: 0,
  },
  'another range than asked': {
    fault: { on: 'modelscope', match: 'FilePath=vocab', kind: 'wrong-range', times: 1 },
    status: 0,
  },
  'a short body with a clean end': {
    fault: { on: 'modelscope', match: 'FilePath=README', kind: 'short' },
    status: 7,
  },
  'a web page': { fault: { on: 'cdn', kind: 'html' }, status: 9 },
  'a web page instead of the API': { fault: { on: 'modelscope', kind: 'html' }, status: 9 },
  'a redirect in a circle': { fault: { on: 'modelscope', kind: 'loop' }, status: 9 },
  'an overloaded database, once': {
    fault: {
      on: 'modelscope',
      kind: 'status',
      status: 404,
      body: overloaded,
      headers: json,
      times: 1,
    },
    status: 0,
  },
  'an overloaded database with status 200, once': {
    fault: {
      on: 'modelscope',
      kind: 'status',
      status: 200,
      body: overloaded,
      headers: json,
      times: 1,
    },
    status: 0,
  },
  'Success: false with status 200': {
    fault: {
      on: 'modelscope',
      match: 'repo/files',
      kind: 'status',
      status: 200,
      body: refusal,
      headers: json,
    },
    status: 6,
    says: /Accept its terms at/,
  },
  'a message instead of the file': {
    fault: {
      on: 'modelscope',
      match: 'FilePath=vocab',
      kind: 'status',
      status: 200,
      body: refusal,
      headers: json,
    },
    status: 9,
    says: /a message instead of vocab\.txt/,
  },
  'a list that contradicts the commit': {
    fault: {
      on: 'modelscope',
      match: 'commits',
      kind: 'status',
      status: 200,
      body: JSON.stringify({
        Code: 200,
        Success: true,
        Data: { Commit: [{ Id: 'a'.repeat(40) }] },
      }),
    },
    status: 9,
    says: /does not agree with itself/,
  },
  'a hash that is none': {
    fault: {
      on: 'modelscope',
      match: 'repo/files',
      kind: 'status',
      status: 200,
      body: JSON.stringify({
        Success: true,
        Data: {
          Files: [
            { Path: 'model.onnx', Type: 'blob', Size: onnx.length, Sha256: sha256(onnx).slice(1) },
          ],
        },
      }),
    },
    status: 9,
    says: /malformed/,
  },
};

for (const [name, { fault, status, says }] of Object.entries(rows)) {
  test(`modelscope, ${name}: ${status === 0 ? 'verified bytes' : `exit code ${status}`}`, async (t) => {
    const home = makeHome(t, double);
    if (name.includes('range') || name.includes('Range'))
      double.lie({ on: 'modelscope', match: 'FilePath=vocab', kind: 'cut', times: 1 });
    double.lie(fault);
    const ended = await home.axon('install', 'ms/acme/Net-1.5');
    assert.equal(ended.status, status, ended.stderr);
    if (says !== undefined) assert.match(ended.stderr, says);
    if (status === 0) assertWhole(dirOf(home.models));
    else assert.deepEqual(home.installed(), []);
  });
}
