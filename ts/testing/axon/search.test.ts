import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AxonError } from '../../axon/axon-error.ts';
import type { SearchHit } from '../../axon/hubs/hub.ts';
import { hubs } from '../../axon/hubs/registry.ts';
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
