import type { InferenceSession } from 'onnxruntime-node';
import { MlosError } from '../../protocol/errors.ts';
import { didYouMean } from '../../protocol/nearest.ts';

/*
 * Model options → session options. What is not given stays at the runtime's default, so that results
 * are bit for bit those of the same runtime in the app's own process.
 */
type Options = InferenceSession.SessionOptions;
type Setter = (options: Options, value: unknown) => boolean;

function count(set: (options: Options, value: number) => void, minimum = 0): Setter {
  return (options, value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return false;
    if (value < minimum || value > 1_024) return false;
    set(options, value);
    return true;
  };
}

function oneOf<T extends string>(words: readonly T[], set: (o: Options, value: T) => void): Setter {
  return (options, value) => {
    if (!words.includes(value as T)) return false;
    set(options, value as T);
    return true;
  };
}

function flag(set: (options: Options, value: boolean) => void): Setter {
  return (options, value) => {
    if (typeof value !== 'boolean') return false;
    set(options, value);
    return true;
  };
}

function isDimensions(value: unknown): value is Record<string, number> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((dim) => Number.isSafeInteger(dim) && dim >= 0)
  );
}

const setters: Readonly<Record<string, readonly [Setter, string]>> = {
  intra_op_threads: [
    count((o, v) => {
      o.intraOpNumThreads = v;
    }),
    '0 (the runtime decides) to 1024',
  ],
  inter_op_threads: [
    count((o, v) => {
      o.interOpNumThreads = v;
    }),
    '0 (the runtime decides) to 1024',
  ],
  graph_optimization: [
    oneOf(['disabled', 'basic', 'extended', 'layout', 'all'], (o, v) => {
      o.graphOptimizationLevel = v;
    }),
    'disabled, basic, extended, layout or all',
  ],
  execution_mode: [
    oneOf(['sequential', 'parallel'], (o, v) => {
      o.executionMode = v;
    }),
    'sequential or parallel',
  ],
  cpu_mem_arena: [
    flag((o, v) => {
      o.enableCpuMemArena = v;
    }),
    'true or false',
  ],
  mem_pattern: [
    flag((o, v) => {
      o.enableMemPattern = v;
    }),
    'true or false',
  ],
  free_dimensions: [
    (o, v) => {
      if (!isDimensions(v)) return false;
      o.freeDimensionOverrides = v;
      return true;
    },
    'a map of dimension names to sizes',
  ],
};

/** Throws INVALID_ARGUMENT naming the option, what came and what would be right. */
export function sessionOptions(given: Readonly<Record<string, unknown>>): Options {
  const options: Options = {};
  for (const [key, value] of Object.entries(given)) {
    const entry = Object.hasOwn(setters, key) ? setters[key] : undefined;
    if (entry === undefined) {
      const known = Object.keys(setters);
      throw new MlosError(
        'INVALID_ARGUMENT',
        `The onnx plugin has no option ${JSON.stringify(key)}.${didYouMean(key, known)} ` +
          `Known: ${known.join(', ')}.`,
      );
    }
    const [set, right] = entry;
    if (!set(options, value)) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `Option ${key}: ${JSON.stringify(value)} came; expected ${right}.`,
      );
    }
  }
  return options;
}
