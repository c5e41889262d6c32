import type { AttachedModel } from '../../../client/attached/attached-model.ts';
import type { Dtype } from '../../../protocol/dtype.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { Priority } from '../../../protocol/priority.ts';
import type { Library, LibraryTensor } from './library.ts';

/** How a run of the model's tensors is bounded. */
export interface RunOptions {
  readonly signal: AbortSignal;
  /** CLOCK_MONOTONIC in microseconds; null: none. */
  readonly deadlineUs: number | null;
  /** Null: that of the model. */
  readonly priority: Priority | null;
}

/** A model as the library's pipelines call it. */
export interface CallableModel {
  (inputs: Readonly<Record<string, unknown>>): Promise<Record<string, LibraryTensor>>;
  config: Readonly<Record<string, unknown>>;
  /** Where the library's pipelines look up the names of tensors. */
  readonly sessions: {
    readonly model: {
      readonly inputNames: readonly string[];
      readonly outputNames: readonly string[];
    };
  };
}

/** CLOCK_MONOTONIC in ms. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Errors: DEADLINE_EXCEEDED. */
export function timeoutOf({ deadlineUs }: RunOptions): { readonly timeoutMs?: number } {
  if (deadlineUs === null) return {};
  const left = deadlineUs / 1000 - nowMs();
  if (left > 0) return { timeoutMs: left };
  throw new MlosError('DEADLINE_EXCEEDED', 'The deadline passed before the model was run.');
}

export function isTensor(value: unknown): value is LibraryTensor {
  const { dims, data } = (value ?? {}) as Partial<LibraryTensor>;
  return Array.isArray(dims) && data !== undefined;
}

/** 0, 1, 2 … for each row: what libraries fill in where a tokenizer gives none. */
function positions(library: Library, dims: readonly number[]): LibraryTensor {
  const [rows = 1, length = 1] = dims;
  const row = BigInt64Array.from({ length }, (_, index) => BigInt(index));
  const data = new BigInt64Array(rows * length);
  for (let at = 0; at < rows; at += 1) data.set(row, at * length);
  return new library.Tensor('int64', data, [rows, length]);
}

/**
 * The model of the engine behind the face that the library's pipelines expect: one copy of the weights, the
 * queues of everybody. What the model does not take is left out, as the library does.
 */
export function callableModel(
  library: Library,
  model: AttachedModel,
  config: Readonly<Record<string, unknown>>,
  options: RunOptions,
): CallableModel {
  const names = model.signature.inputs.map(({ name }) => name);
  const call = async (given: Readonly<Record<string, unknown>>) => {
    const inputs: Record<string, { dtype: Dtype; shape: number[]; data: never }> = {};
    const put = (name: string, { type, dims, data }: LibraryTensor) => {
      inputs[name] = { dtype: type as Dtype, shape: [...dims], data: data as never };
    };
    for (const name of names) {
      const value = given[name];
      if (isTensor(value)) put(name, value);
      else if (name === 'position_ids' && isTensor(given['input_ids'])) {
        put(name, positions(library, given['input_ids'].dims));
      }
    }
    const { signal, priority } = options;
    const { outputs } = await model.infer(inputs, {
      ...{ signal, ...timeoutOf(options) },
      ...(priority === null ? {} : { priority }),
    });
    const entries = Object.entries(outputs).map(([name, tensor]) => {
      const { dtype, shape, values } = tensor;
      // bfloat16 is no dtype of the library, and none of a task's outputs.
      return [name, new library.Tensor(dtype as 'float32', values, [...shape])] as const;
    });
    return Object.fromEntries(entries);
  };
  const outputNames = model.signature.outputs.map(({ name }) => name);
  return Object.assign(call, { config, sessions: { model: { inputNames: names, outputNames } } });
}
