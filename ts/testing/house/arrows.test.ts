import assert from 'node:assert/strict';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { projectFiles, read } from './tree.ts';

/**
 * Arrows point one way: the rooms that a room may import, beside itself. The drawing is in
 * ARCHITECTURE.md; this is what keeps it true. Longest matching room wins.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  native: ['protocol'],
  smi: ['protocol', 'native'],
  plugins: ['smi', 'client', 'protocol', 'native'],
  client: ['native', 'protocol'],
  axon: ['client', 'protocol'],
  'daemon/main.ts': ['daemon/cli'],
  'daemon/cli': [
    'daemon',
    'daemon/config',
    'daemon/observe',
    'daemon/resource',
    'client',
    'native',
    'protocol',
  ],
  daemon: [
    'daemon/config',
    'daemon/dispatcher.ts',
    'daemon/doors',
    'daemon/doors/ipc',
    'daemon/lifecycle',
    'daemon/metrics',
    'daemon/observe',
    'daemon/operations',
    'daemon/plugin',
    'daemon/pull',
    'daemon/registry',
    'daemon/request-context.ts',
    'daemon/security',
    'daemon/upload',
    'native',
    'protocol',
  ],
  'daemon/config': ['protocol'],
  'daemon/doors': ['daemon/dispatcher.ts', 'daemon/request-context.ts', 'protocol'],
  'daemon/doors/ipc': [
    'daemon/dispatcher.ts',
    'daemon/doors',
    'daemon/request-context.ts',
    'native',
    'protocol',
  ],
  'daemon/dispatcher.ts': ['daemon/request-context.ts'],
  'daemon/request-context.ts': [],
  'daemon/operations': [
    'daemon/lifecycle',
    'daemon/observe',
    'daemon/plugin',
    'daemon/registry',
    'daemon/resource',
    'daemon/request-context.ts',
    'daemon/security',
    'daemon/upload',
    'protocol',
  ],
  'daemon/metrics': [
    'daemon/lifecycle',
    'daemon/observe',
    'daemon/plugin',
    'daemon/registry',
    'daemon/resource',
    'protocol',
  ],
  'daemon/pull': ['daemon/doors', 'protocol'],
  'daemon/upload': ['daemon/plugin', 'protocol'],
  'daemon/lifecycle': ['daemon/plugin', 'daemon/registry', 'native', 'protocol'],
  'daemon/registry': ['daemon/plugin', 'daemon/security', 'protocol'],
  'daemon/plugin': ['smi', 'native', 'protocol'],
  'daemon/resource': ['native', 'protocol'],
  'daemon/security': ['protocol'],
  'daemon/observe': ['protocol'],
};

/** C++ rooms. `napi.h` is a matter of napi/ alone. */
const nativeRooms: Readonly<Record<string, readonly string[]>> = {
  base: [],
  shm: ['base'],
  cpu: ['base'],
  gpu: ['base'],
  engine: ['base', 'shm', 'cpu'],
  ort: ['base', 'shm', 'engine'],
  capi: ['base', 'shm'],
  napi: ['base', 'shm', 'cpu', 'gpu', 'engine', 'ort'],
};

function roomOf(file: string, names: Iterable<string>): string | undefined {
  return [...names]
    .filter((name) => file === name || file.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function imports(file: string): string[] {
  const text = read(file);
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    normalize(join(dirname(file), match[1] ?? '')).replace(/^ts\//, ''),
  );
}

test('TypeScript rooms import only what their arrows allow', () => {
  const wrong: string[] = [];
  for (const file of projectFiles(/^ts\/.*\.ts$/)) {
    const short = file.slice('ts/'.length);
    const room = roomOf(short, Object.keys(rooms));
    // Tests and testing/ may import anything; nothing may import them.
    if (short.endsWith('.test.ts') || short.startsWith('testing/')) continue;
    assert.ok(room !== undefined, `${file} is in no room`);
    for (const target of imports(file)) {
      const to = roomOf(target, Object.keys(rooms)) ?? target;
      if (to !== room && rooms[room]?.includes(to) !== true) wrong.push(`${file} → ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('C++ rooms include only what their arrows allow, and napi.h only in napi/setup.h', () => {
  const wrong: string[] = [];
  for (const file of projectFiles(/^native\/src\/.*\.(h|cc)$/)) {
    const short = file.slice('native/src/'.length);
    const room = roomOf(short, Object.keys(nativeRooms));
    for (const [, include = ''] of read(file).matchAll(/#include\s+[<"]([^>"]+)[>"]/g)) {
      if (include === 'napi.h' && short !== 'napi/setup.h') wrong.push(`${file} → napi.h`);
      const to = roomOf(include, Object.keys(nativeRooms));
      if (room === undefined || to === undefined || to === room) continue;
      if (nativeRooms[room]?.includes(to) !== true) wrong.push(`${file} → ${include}`);
    }
  }
  assert.deepEqual(wrong, []);
});
