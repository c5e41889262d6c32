import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AxonError } from '../../axon/axon-error.ts';
import { layerContents } from '../../axon/hubs/oci/layers.ts';
import type { Descriptor } from '../../axon/hubs/oci/manifest.ts';
import { parseOciReference } from '../../axon/hubs/oci/reference.ts';
import { parseChallenge, RegistrySession } from '../../axon/hubs/oci/session.ts';
import { readsZstd } from '../../axon/package/decompressor.ts';
import { startHubDouble } from '../hub-double/hub-double.ts';
import { makeHome } from './run-axon.ts';
import { testContext } from './test-context.ts';

test('a token that has grown old is renewed; a fresh one that is refused is not asked for again', async (t) => {
  const double = await startHubDouble({ artifacts: [{ repository: 'a/b', tag: 'v1' }] });
  t.after(() => double.close());
  const context = await testContext(makeHome(t).dir, {});
  const place = { origin: double.oci, repository: 'a/b', label: 'a/b', login: async () => null };
  const session = new RegistrySession(place, 'pull', context);
  const ask = () => session.get('manifests/v1', '*/*', 10_000);
  const tokens = () => double.seen.filter(({ path }) => path.startsWith('/token')).length;
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  await ask();
  await ask();
  assert.equal(tokens(), 1, 'one token serves many questions');
  const expire = () =>
    double.lie({
      on: 'oci',
      match: 'manifests',
      kind: 'status',
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="${double.oci}/token",service="double"` },
      times: 1,
    });
  expire();
  await assert.rejects(
    ask(),
    (error) => error instanceof AxonError && error.code === 'ACCESS_DENIED',
  );
  assert.equal(tokens(), 1);
  t.mock.timers.tick(300_000);
  expire();
  await ask();
  assert.equal(tokens(), 2);
});

test('challenges and references are read as they are written in the wild', () => {
  const { scheme, parameters } = parseChallenge(
    'Bearer realm="https://auth.example/token?a=b,c",service="a \\"b\\"", scope=repository:x:pull',
  );
  assert.equal(scheme, 'bearer');
  assert.deepEqual(Object.fromEntries(parameters), {
    realm: 'https://auth.example/token?a=b,c',
    service: 'a "b"',
    scope: 'repository:x:pull',
  });
  const digest = `sha256:${'a'.repeat(64)}`;
  for (const [text, repository, reference] of [
    ['ghcr.io/org/net', 'org/net', 'latest'],
    ['ghcr.io/org/net:v1', 'org/net', 'v1'],
    ['localhost:5000/net@v1', 'net', 'v1'],
    [`ghcr.io/org/net@${digest}`, 'org/net', digest],
    [`ghcr.io/org/net:v1@${digest}`, 'org/net', digest],
  ] as const) {
    const read = parseOciReference(text);
    assert.deepEqual([read.repository, read.reference], [repository, reference], text);
  }
});

test('what has no name gets the usual one, and the second of a kind a number', () => {
  const layer = (mediaType: string): Descriptor => ({
    mediaType: `application/vnd.${mediaType}`,
    digest: `sha256:${'b'.repeat(64)}`,
    size: 1,
    artifactType: '',
    annotations: {},
    platform: null,
  });
  const contents = layerContents(
    [
      'docker.ai.gguf.v3',
      'docker.ai.license',
      'docker.ai.license',
      'docker.ai.chat.template.jinja',
      'unknown.thing',
      'oci.image.layer.v1.tar+gzip',
      'cncf.model.weight.v1.tar+zstd',
    ].map(layer),
  );
  assert.deepEqual(
    contents.map((content) => (content.kind === 'file' ? content.path : content.kind)),
    [
      'model.gguf',
      'LICENSE',
      'LICENSE-2',
      'chat_template.jinja',
      `${'b'.repeat(12)}.bin`,
      'tar',
      readsZstd ? 'tar' : 'unreadable',
    ],
  );
});
