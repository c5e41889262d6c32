import { dtypes } from '../../../protocol/dtype.ts';
import type { Tensor } from '../../../protocol/tensor.ts';
import { oipFail } from './status.ts';
import { shown } from './tensors.ts';
import type { OipOutput, OipParameters } from './types.ts';

/** The extension `classification`: of each row the k largest values, as `value:index[:label]`. */

/** How many classes an output is asked for; null: its elements themselves. */
export function wantedClasses(name: string, parameters: OipParameters): number | null {
  const wanted = parameters.get('classification');
  if (wanted === undefined) return null;
  const count = Number(wanted);
  if (typeof wanted === 'boolean' || !Number.isSafeInteger(count) || count < 1) {
    oipFail(`Output ${shown(name)}: classification must be a number of classes, 1 or more.`);
  }
  return count;
}

/** `isBatched`: the first dimension counts requests, so that each has its classes. */
export function classify(
  name: string,
  tensor: Tensor,
  wanted: number,
  options: { readonly isBatched: boolean; readonly labels: readonly string[] },
): OipOutput {
  const { dtype, shape } = tensor;
  const { kind } = dtypes[dtype];
  if (kind === 'string' || kind === 'bool') {
    oipFail(`Output ${shown(name)} holds no numbers, so it has no classes.`);
  }
  const values = numbersOf(tensor);
  const rows = options.isBatched ? (shape[0] ?? 1) : 1;
  const classes = rows === 0 ? 0 : values.length / rows;
  const count = Math.min(wanted, classes);
  const data: string[] = [];
  for (let row = 0; row < rows; row++) {
    const begin = row * classes;
    for (const index of largest(values, begin, classes, count)) {
      const label = options.labels[index];
      const value = text(values[begin + index] ?? 0, kind === 'float');
      data.push(label === undefined ? `${value}:${index}` : `${value}:${index}:${label}`);
    }
  }
  const answer = options.isBatched ? [rows, count] : [count];
  return { name, datatype: 'BYTES', shape: answer, data, sharedMemory: null };
}

type Numbers = ArrayLike<number | bigint>;

/** Half floats lie as bit patterns; everything else can be compared as it lies. */
function numbersOf(tensor: Tensor): Numbers {
  // The caller has refused strings.
  if (tensor.dtype !== 'float16' && tensor.dtype !== 'bfloat16') return tensor.values as Numbers;
  return tensor.toJSON().map(Number);
}

/** Positions of the largest values, the largest first, of equal ones the first; NaN is the least. */
function largest(values: Numbers, begin: number, length: number, count: number): number[] {
  const at = (index: number) => values[begin + index] ?? 0;
  const comesBefore = (a: number, b: number) => at(a) > at(b) || Number.isNaN(at(b));
  const top: number[] = [];
  for (let index = 0; index < length; index++) {
    let place = top.length;
    while (place > 0 && comesBefore(index, top[place - 1] ?? 0) && !Number.isNaN(at(index))) {
      place -= 1;
    }
    if (place >= count) continue;
    top.splice(place, 0, index);
    if (top.length > count) top.pop();
  }
  return top;
}

/** Six digits after the point, as the protocol's first server prints a float. */
function text(value: number | bigint, isFloat: boolean): string {
  return isFloat && Number.isFinite(value) ? Number(value).toFixed(6) : String(value);
}
