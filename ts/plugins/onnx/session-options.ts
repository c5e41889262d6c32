import type { OrtSessionOptions } from '../../native/engine.ts';
import { count, flag, isMap, type OptionReader, oneOf } from './option-reader.ts';

/*
 * Model options → session. What is not given stays at the runtime's default, so that results are bit for
 * bit those of the same runtime in the app's own process. `mem_pattern` changes no result and is off.
 */
export type SessionSettings = Omit<OrtSessionOptions, 'library'>;

type Writable = { -readonly [K in keyof SessionSettings]: SessionSettings[K] };

function isDimensions(value: unknown): value is Record<string, number> {
  return (
    isMap(value) &&
    Object.values(value).every((dim) => Number.isSafeInteger(dim) && (dim as number) >= 0)
  );
}

const threads = '0 (the runtime decides) to 1024';

export const sessionReaders: Readonly<Record<string, OptionReader<Writable>>> = {
  intra_op_threads: count({ min: 0, max: 1_024 }, threads, (o, v) => {
    o.intraOpThreads = v;
  }),
  inter_op_threads: count({ min: 0, max: 1_024 }, threads, (o, v) => {
    o.interOpThreads = v;
  }),
  graph_optimization: oneOf(['disabled', 'basic', 'extended', 'layout', 'all'], (o, v) => {
    o.graphOptimization = v;
  }),
  execution_mode: oneOf(['sequential', 'parallel'], (o, v) => {
    o.executionMode = v;
  }),
  cpu_mem_arena: flag((o, v) => {
    o.cpuMemArena = v;
  }),
  mem_pattern: flag((o, v) => {
    o.memPattern = v;
  }),
  free_dimensions: {
    right: 'a map of dimension names to sizes',
    read: (o, v) => {
      if (!isDimensions(v)) return false;
      o.freeDimensions = v;
      return true;
    },
  },
};
