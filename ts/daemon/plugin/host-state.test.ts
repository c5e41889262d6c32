import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostEvent, type HostState, transition } from './host-state.ts';
import type { PluginProcess } from './plugin-process.ts';

const process = { pid: 1 } as unknown as PluginProcess;
const crash = { type: 'crash', reason: 'r', restingUntil: 5, refusing: false } as const;

const states: Record<HostState['state'], HostState> = {
  stopped: { state: 'stopped' },
  starting: { state: 'starting', process },
  ready: { state: 'ready', process, since: 1 },
  draining: { state: 'draining', process },
  crashed: { state: 'crashed', reason: 'r', restingUntil: 5, refusing: false },
};

const events: Record<HostEvent['type'], HostEvent> = {
  start: { type: 'start' },
  spawned: { type: 'spawned', process },
  ready: { type: 'ready', process, at: 1 },
  drain: { type: 'drain' },
  crash,
  stop: { type: 'stop' },
};

/** Every pair that is not here throws. */
const table: Record<string, HostState['state']> = {
  'stopped start': 'starting',
  'stopped stop': 'stopped',
  'starting spawned': 'starting',
  'starting ready': 'ready',
  'starting drain': 'draining',
  'starting crash': 'crashed',
  'ready drain': 'draining',
  'ready crash': 'crashed',
  'draining stop': 'stopped',
  'crashed start': 'starting',
  'crashed drain': 'draining',
};

test('every state with every event', () => {
  for (const [from, state] of Object.entries(states)) {
    for (const [type, event] of Object.entries(events)) {
      const to = table[`${from} ${type}`];
      if (to === undefined) assert.throws(() => transition(state, event), /has no event/);
      else assert.equal(transition(state, event).state, to, `${from} ${type}`);
    }
  }
});
