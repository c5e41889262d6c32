import { priorities } from '../../native/channel-layout.ts';
import type { EngineModelOptions, ModelState } from '../../native/engine.ts';
import { count, isMap, type OptionReader, oneOf } from './option-reader.ts';

/*
 * Model options → how the engine serves the model.
 */
export type RunnerChoice = 'auto' | 'native' | 'js';

/** Models of this process, by id, that are one model together. */
export interface PipelineOption {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly steps: readonly {
    readonly model: string;
    readonly inputs: Readonly<Record<string, string>>;
    readonly outputs: Readonly<Record<string, string>>;
  }[];
}

type Flat = Omit<EngineModelOptions, 'sequences'>;
export type EngineTarget = { -readonly [K in keyof Flat]: Flat[K] } & {
  runner: RunnerChoice;
  states: readonly ModelState[];
  pipeline: PipelineOption | null;
  maxSequences: number;
  maxStateBytes: number;
  sequenceIdleMs: number;
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
    states: [],
    pipeline: null,
    maxSequences: 1_024,
    maxStateBytes: 256 * 1024 ** 2,
    sequenceIdleMs: 60_000,
  };
}

/** What was read, as the engine is told it. */
export function engineModelOptions(target: EngineTarget, intraOpThreads: number) {
  const { runner, pipeline, states, maxSequences, maxStateBytes, sequenceIdleMs, ...options } =
    target;
  const sequences = {
    states,
    maxCount: maxSequences,
    maxBytes: maxStateBytes,
    idleMs: sequenceIdleMs,
  };
  return { ...options, intraOpThreads, ...(states.length === 0 ? {} : { sequences }) };
}

function isState(value: unknown): value is ModelState {
  if (!isMap(value)) return false;
  const { input, output, shape, initial } = value;
  const isShape = shape === undefined || (Array.isArray(shape) && shape.every(isDim));
  const isNumber = initial === undefined || typeof initial === 'number';
  return typeof input === 'string' && typeof output === 'string' && isShape && isNumber;
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

function isNameMap(value: unknown): boolean {
  return isMap(value) && isNames(Object.values(value));
}

function isPipeline(value: unknown): value is PipelineOption {
  if (!isMap(value) || !isNames(value['inputs']) || !isNames(value['outputs'])) return false;
  const { steps } = value;
  const isStep = (step: unknown) =>
    isMap(step) &&
    typeof step['model'] === 'string' &&
    isNameMap(step['inputs']) &&
    isNameMap(step['outputs']);
  return Array.isArray(steps) && steps.every(isStep);
}

function isDim(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= -1;
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
  max_sequences: count({ min: 1, max: 65_536 }, '1 to 65536', (o, v) => {
    o.maxSequences = v;
  }),
  max_state_bytes: count({ min: 1, max: 2 ** 40 }, '1 to 2^40', (o, v) => {
    o.maxStateBytes = v;
  }),
  sequence_idle_ms: count({ min: 1, max: 86_400_000 }, '1 to 86400000', (o, v) => {
    o.sequenceIdleMs = v;
  }),
  state: {
    right: 'a list of {"input", "output"} with a shape and an initial number as you like',
    read: (o, v) => {
      if (!Array.isArray(v) || !v.every(isState)) return false;
      o.states = v;
      return true;
    },
  },
  pipeline: {
    right: 'an object with "inputs", "outputs" and "steps"',
    read: (o, v) => {
      if (!isPipeline(v)) return false;
      o.pipeline = v;
      return true;
    },
  },
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
