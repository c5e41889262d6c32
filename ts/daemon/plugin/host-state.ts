import type { PluginProcess } from './plugin-process.ts';

/**
 * States of a plugin host. `transition` is the only place that makes one from another; an event that
 * a state does not know is a fault of ours and throws.
 *
 *     stopped ──start──▶ starting ──greeted+reloaded──▶ ready ──drain──▶ draining ──stop──▶ stopped
 *                          ▲  │                          │                  │
 *                          │  └────────die───────────────┴──▶ crashed ◀─────┘(→ stopped)
 *                          └────────────start (after the pause)──┘
 */
export type HostState =
  | { readonly state: 'stopped' }
  | { readonly state: 'starting'; readonly process: PluginProcess | null }
  | { readonly state: 'ready'; readonly process: PluginProcess; readonly since: number }
  | { readonly state: 'draining'; readonly process: PluginProcess | null }
  | {
      readonly state: 'crashed';
      readonly reason: string;
      /** When it may start again; null: only when somebody asks for it. */
      readonly restingUntil: number | null;
      /** The circuit is open, or starting again would not help: requests are refused. */
      readonly refusing: boolean;
    };

export type HostEvent =
  | { readonly type: 'start' }
  | { readonly type: 'spawned'; readonly process: PluginProcess }
  | { readonly type: 'ready'; readonly process: PluginProcess; readonly at: number }
  | { readonly type: 'drain' }
  | {
      readonly type: 'crash';
      readonly reason: string;
      readonly restingUntil: number | null;
      readonly refusing: boolean;
    }
  | { readonly type: 'stop' };

export function processOf(state: HostState): PluginProcess | null {
  return 'process' in state ? state.process : null;
}

const allowed: Readonly<Record<HostEvent['type'], readonly HostState['state'][]>> = {
  start: ['stopped', 'crashed'],
  spawned: ['starting'],
  ready: ['starting'],
  drain: ['starting', 'ready', 'crashed'],
  crash: ['starting', 'ready'],
  stop: ['draining', 'stopped'],
};

export function transition(from: HostState, event: HostEvent): HostState {
  if (!allowed[event.type].includes(from.state)) {
    throw new Error(`A plugin host that is ${from.state} has no event ${event.type}.`);
  }
  switch (event.type) {
    case 'start':
      return { state: 'starting', process: null };
    case 'spawned':
      return { state: 'starting', process: event.process };
    case 'ready':
      return { state: 'ready', process: event.process, since: event.at };
    case 'drain':
      return { state: 'draining', process: processOf(from) };
    case 'crash': {
      const { reason, restingUntil, refusing } = event;
      return { state: 'crashed', reason, restingUntil, refusing };
    }
    case 'stop':
      return { state: 'stopped' };
  }
}
