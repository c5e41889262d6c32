import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AxonError } from '../../axon/axon-error.ts';
import type { SearchHit } from '../../axon/hubs/hub.ts';
import { hubs } from '../../axon/hubs/registry.ts';
import { startHubDouble } from '../hub-double/hub-double.ts';
import { makeHome } from './run-axon.ts';

/** For one test the two hubs are searched by these functions, and no other hub is. */
function searchedBy(
  t: { after(done: () => void): void },
  answers: Readonly<Record<string, () => Promise<readonly SearchHit[]>>>,
): void {
  for (const hub of hubs) {
    const answer = answers[hub.names[0] ?? ''];
    const before = Object.getOwnPropertyDescriptor(hub, 'search');
    Object.defineProperty(hub, 'search', { value: answer, configurable: true, writable: true });
    t.after(() => {
      if (before === undefined) Reflect.deleteProperty(hub, 'search');
      else Object.defineProperty(hub, 'search', before);
    });
  }
}

const broken = () => Promise.reject(new AxonError('NETWORK', 'the hub is away'));
const finds = (spec: string) => async () => [{ spec, description: 'a\nmodel', downloads: 7 }];

test('all hubs are asked; one that fails is told and hides no other', async (t) => {
  searchedBy(t, { hf: finds('hf/org/net'), npm: broken });
  const home = makeHome(t);
  const ended = await home.axon('search', 'some', 'net');
  assert.equal(ended.status, 0);
  assert.match(ended.stdout, /hf\/org\/net +7 +a model[\s\S]*axon install hf\/org\/net/);
  assert.match(ended.stderr, /warning: npm could not be searched: the hub is away/);
  const json = (await home.axon('search', 'net', '--json')).json<{
    hits: { hub: string }[];
    failed: { hub: string; error: { code: string } }[];
  }>();
  assert.deepEqual(
    json.hits.map(({ hub }) => hub),
    ['hf'],
  );
  assert.deepEqual(
    json.failed.map(({ hub, error }) => [hub, error.code]),
    [['npm', 'NETWORK']],
  );
  assert.equal((await home.axon('search', 'net', '--hub', 'npm')).status, 7);
  assert.equal((await home.axon('search', 'net', '--hub', 'file')).status, 2);
  assert.equal((await home.axon('search', 'net', '--limit', '0')).status, 2);
});

test('of all hubs those that cannot be asked are named, and each that refused where all did', async (t) => {
  const home = makeHome(t);
  const away = async () => Promise.reject(new AxonError('NETWORK', 'nobody is there'));
  const able = hubs.filter(({ search, searchedAt }) => search !== undefined && !searchedAt);
  searchedBy(t, {
    ...Object.fromEntries(able.map(({ names }) => [names[0] ?? '', async () => []])),
    hf: finds('hf/org/net'),
    oci: away,
  });
  const { stderr } = await home.axon('search', 'net');
  for (const says of [
    /^pypi was not searched: .*axon install pypi/m,
    /^ollama was not searched: /m,
    /^tfhub was not searched: /m,
    /^oci was not searched: .*--hub oci\/<registry>/m,
  ])
    assert.match(stderr, says);
  assert.doesNotMatch(stderr, /(file|https|hf) was not/);
  const { not_searched: named } = (await home.axon('search', 'net', '--json')).json<{
    not_searched: { hub: string; reason: string }[];
  }>();
  assert.deepEqual(named.map(({ hub }) => hub).sort(), ['oci', 'ollama', 'pypi', 'tfhub']);
  assert.doesNotMatch((await home.axon('search', 'net', '--hub', 'hf')).stderr, /not searched/);
});

test('where no hub answers each is named', async (t) => {
  searchedBy(t, { hf: broken, npm: broken });
  const ended = await makeHome(t).axon('search', 'net');
  assert.equal(ended.status, 7);
  assert.match(ended.stderr, /warning: npm could not be searched: the hub is away/);
  assert.match(ended.stderr, /error: the hub is away/);
});

test('nothing found is no error, and --limit holds for each hub', async (t) => {
  const many = Array.from({ length: 30 }, (_, index) => ({ spec: `hf/org/net-${index}` }));
  searchedBy(t, { hf: async () => many, npm: async () => [] });
  const home = makeHome(t);
  const limited = await home.axon('search', 'net', '--limit', '3', '--json');
  assert.equal(limited.json<{ hits: unknown[] }>().hits.length, 3);
  const none = await home.axon('search', 'net', '--hub', 'npm');
  assert.equal(none.status, 0);
  assert.match(none.stdout, /Nothing found for "net" on npm\./);
});

test('a hub that was asked for by name has to answer, and hides no other', async (t) => {
  searchedBy(t, { hf: finds('hf/org/net'), npm: broken });
  const home = makeHome(t);
  const both = ['search', 'net', '--hub', 'hf', '--hub', 'npm'] as const;
  const ended = await home.axon(...both);
  assert.equal(ended.status, 23);
  assert.match(ended.stdout, /hf\/org\/net/);
  assert.match(ended.stderr, /npm could not be searched: the hub is away \[PARTIAL\]/);
  const { error } = (await home.axon(...both, '--json')).json<{
    error: { code: string; details: { hits: unknown[]; failed: unknown[] } };
  }>();
  assert.deepEqual(
    [error.code, error.details.hits.length, error.details.failed.length],
    ['PARTIAL', 1, 1],
  );
});

test('a hub that cannot be searched says why, and what works instead', async (t) => {
  const home = makeHome(t);
  for (const hub of hubs.filter(({ search }) => search === undefined)) {
    const ended = await home.axon('search', 'net', '--hub', hub.names[0] ?? '');
    assert.equal(ended.status, 2, ended.stderr);
    assert.match(ended.stderr, /cannot be searched: .*(axon install|--hub)/);
  }
  for (const [hub, says] of [
    ['oci', /Write --hub oci\/<registry>/],
    ['hf/somewhere', /Write --hub hf,/],
    ['hg', /no hub "hg".*Did you mean "hf"/],
    ['oci/not a host', /it names no registry/],
  ] as const) {
    const ended = await home.axon('search', 'net', '--hub', hub);
    assert.equal(ended.status, 2, ended.stderr);
    assert.match(ended.stderr, says);
  }
});

test('GitHub is asked for repositories, a registry for its list, page by page', async (t) => {
  const artifacts = ['a/net', 'b/net', 'b/other', 'c/net-large', 'd/none'].map((repository) => ({
    repository,
    tag: 'v1',
  }));
  const double = await startHubDouble({
    artifacts: [...artifacts, { repository: 'a/net', tag: 'latest' }],
    releases: [
      { repo: 'acme/net', tag: 'v1', assets: {} },
      { repo: 'acme/other', tag: 'v1', assets: {} },
    ],
  });
  t.after(() => double.close());
  const home = makeHome(t, double);
  const specs = async (...argv: string[]) => {
    const ended = await home.axon('search', ...argv, '--json');
    assert.equal(ended.status, 0, ended.stdout);
    return ended.json<{ hits: { spec: string }[] }>().hits.map(({ spec }) => spec);
  };
  assert.deepEqual(await specs('net', '--hub', 'gh'), ['gh/acme/net']);
  const host = new URL(double.oci).host;
  assert.deepEqual(await specs('net', '--hub', `oci/${host}`), [
    `oci/${host}/a/net@latest`,
    `oci/${host}/b/net@v1`,
    `oci/${host}/c/net-large@v1`,
  ]);
  assert.equal((await specs('net', '--hub', `oci/${host}`, '--limit', '1')).length, 1);
  double.registry.lists = false;
  const refused = await home.axon('search', 'net', '--hub', `oci/${host}`);
  assert.equal(refused.status, 5);
  assert.match(refused.stderr, /name the repository, axon install oci\//);
});

test('a hub that answers no search says so, and nothing of a model that nobody named', async (t) => {
  const double = await startHubDouble({});
  t.after(() => double.close());
  const env = {
    ...{ HF_ENDPOINT: double.cdn, MODELSCOPE_ENDPOINT: double.cdn, GITHUB_API_URL: double.cdn },
    ...{ KAGGLE_API_ENDPOINT: double.cdn, npm_config_registry: `${double.cdn}/` },
  };
  const home = makeHome(t);
  for (const hub of ['hf', 'modelscope', 'kaggle', 'npm', 'gh']) {
    const ended = await home.axonWith(env, 'search', 'net', '--hub', hub);
    assert.equal(ended.status, 9, ended.stderr);
    assert.match(ended.stderr, /answered 404 to a search.*axon registry list/);
  }
});
