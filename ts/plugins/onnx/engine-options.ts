import { priorities } from '../../native/channel-layout.ts';
import type { EngineModelOptions } from '../../native/engine.ts';
import { count, type OptionReader, oneOf } from './option-reader.ts';

/*
 * Model options → how the engine serves the model.
 */
export type RunnerChoice = 'auto' | 'native' | 'js';

export type EngineTarget = { -readonly [K in keyof EngineModelOptions]: EngineModelOptions[K] } & {
  runner: RunnerChoice;
};

/** What the engine is told where nothing is given. */
export function defaultEngineOptions(): EngineTarget {
  return {
    priority: 'normal',
    instances: 1,
    maxQueue: 1_024,
    batching: 'auto',
    maxBatch: 32,
    maxDelayUs: 0,
    cpus: [],
    intraOpThreads: 0,
    runner: 'auto',
  };
}

function isCpu(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 4_096;
}

export const engineReaders: Readonly<Record<string, OptionReader<EngineTarget>>> = {
  priority: oneOf(priorities, (o, v) => {
    o.priority = v;
  }),
  instances: count({ min: 1, max: 16 }, '1 to 16', (o, v) => {
    o.instances = v;
  }),
  batching: oneOf(['auto', 'off', 'fixed'], (o, v) => {
    o.batching = v;
  }),
  max_batch: count({ min: 1, max: 1_024 }, '1 to 1024', (o, v) => {
    o.maxBatch = v;
  }),
  max_delay_us: count({ min: 0, max: 1_000_000 }, '0 to 1000000', (o, v) => {
    o.maxDelayUs = v;
  }),
  max_queue: count({ min: 1, max: 65_536 }, '1 to 65536', (o, v) => {
    o.maxQueue = v;
  }),
  cpus: {
    right: 'a list of CPU numbers',
    read: (o, v) => {
      if (!Array.isArray(v) || !v.every(isCpu)) return false;
      o.cpus = v;
      return true;
    },
  },
  runner: oneOf(['auto', 'native', 'js'], (o, v) => {
    o.runner = v;
  }),
};
