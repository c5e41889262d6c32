import type { AttachedModel } from '../../../client/attached/attached-model.ts';
import type { Dtype } from '../../../protocol/dtype.ts';
import type { Library, LibraryTensor } from './library.ts';
import type { RaggedBatches } from './ragged-batches.ts';
import { tokenRows, type Values } from './ragged-rows.ts';
import { type RunOptions, timeoutOf } from './run-options.ts';

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

/** The outputs, by way of those who read texts at the same time where the model can. */
async function run(
  { model, batches }: Pick<CalledModel, 'model' | 'batches'>,
  given: Readonly<Record<string, Values>>,
  options: RunOptions,
): Promise<Readonly<Record<string, Values>>> {
  const hasAll = model.signature.inputs.every(({ name }) => given[name] !== undefined);
  const rows = batches.mayJoin && hasAll ? tokenRows(given) : null;
  if (rows !== null) return batches.run(rows, options);
  const inputs = Object.entries(given).map(([name, { dtype, shape, values }]) => {
    return [name, { dtype, shape, data: values as never }] as const;
  });
  const { signal, priority } = options;
  const { outputs } = await model.infer(Object.fromEntries(inputs), {
    ...{ signal, ...timeoutOf(options) },
    ...(priority === null ? {} : { priority }),
  });
  return outputs;
}

/** What a task runs. */
export interface CalledModel {
  readonly model: AttachedModel;
  readonly batches: RaggedBatches;
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * The model of the engine behind the face that the library's pipelines expect: one copy of the weights, the
 * queues of everybody. What the model does not take is left out, as the library does.
 */
export function callableModel(
  library: Library,
  { model, batches, config }: CalledModel,
  options: RunOptions,
): CallableModel {
  const names = model.signature.inputs.map(({ name }) => name);
  const call = async (given: Readonly<Record<string, unknown>>) => {
    const inputs: Record<string, Values> = {};
    const put = (name: string, { type, dims, data }: LibraryTensor) => {
      inputs[name] = { dtype: type as Dtype, shape: [...dims], values: data };
    };
    for (const name of names) {
      const value = given[name];
      if (isTensor(value)) put(name, value);
      else if (name === 'position_ids' && isTensor(given['input_ids'])) {
        put(name, positions(library, given['input_ids'].dims));
      }
    }
    const outputs = await run({ model, batches }, inputs, options);
    const entries = Object.entries(outputs).map(([name, tensor]) => {
      const { dtype, shape, values } = tensor;
      // bfloat16 is no dtype of the library, and none of a task's outputs.
      return [
        name,
        new library.Tensor(dtype as 'float32', values as Float32Array, [...shape]),
      ] as const;
    });
    return Object.fromEntries(entries);
  };
  const outputNames = model.signature.outputs.map(({ name }) => name);
  return Object.assign(call, { config, sessions: { model: { inputNames: names, outputNames } } });
}
