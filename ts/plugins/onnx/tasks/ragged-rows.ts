import type { InferInput } from '../../../client/tensor-wire.ts';
import type { Dtype } from '../../../protocol/dtype.ts';
import type { Signature, Tensor } from '../../../protocol/tensor.ts';

/*
 * Rows of tokens of different lengths as one input: shorter ones are filled up behind, and a mask says which
 * tokens count, as tokenizers do it for a list of texts.
 */

/** What one call gives: int64 [rows, tokens] for every input. */
export interface TokenRows {
  readonly rows: number;
  readonly tokens: number;
  readonly inputs: Readonly<Record<string, BigInt64Array>>;
}

/** A tensor of a task's own library, or one of ours. */
export interface Values {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly values: unknown;
}

const mask = 'attention_mask';
const ids = 'input_ids';

/** Whether rows of different lengths can be one input of the model at all, and its outputs be told apart. */
export function takesRows({ inputs, outputs }: Signature): boolean {
  const names = inputs.map(({ name }) => name);
  const reads = inputs.every(
    ({ dtype, shape }) => dtype === 'int64' && shape?.length === 2 && shape.every((dim) => dim < 0),
  );
  const gives = outputs.every(
    ({ dtype, shape }) => dtype === 'float32' && shape !== null && rowsOnly(shape),
  );
  return reads && gives && names.includes(ids) && names.includes(mask);
}

/** [rows, …] or [rows, tokens, …] with nothing else that is open. */
function rowsOnly(shape: readonly number[]): boolean {
  return (shape[0] ?? 0) < 0 && shape.slice(2).every((dim) => dim > 0);
}

/** Null: the inputs are something else. */
export function tokenRows(given: Readonly<Record<string, Values>>): TokenRows | null {
  const all = Object.entries(given);
  const [rows = 0, tokens = 0] = given[ids]?.shape ?? [];
  const fits = all.every(
    ([, { shape, values }]) =>
      values instanceof BigInt64Array &&
      shape.length === 2 &&
      shape[0] === rows &&
      shape[1] === tokens,
  );
  if (!fits || rows === 0 || tokens === 0) return null;
  const inputs = all.map(([name, { values }]) => [name, values as BigInt64Array]);
  return { rows, tokens, inputs: Object.fromEntries(inputs) };
}

/** One input for all of them. `filler`: the token that stands behind shorter ones. */
export function joinRows(calls: readonly TokenRows[], filler: bigint): Record<string, InferInput> {
  const rows = calls.reduce((sum, call) => sum + call.rows, 0);
  const tokens = Math.max(...calls.map((call) => call.tokens));
  const names = Object.keys(calls[0]?.inputs ?? {});
  const joined = names.map((name) => {
    const data = new BigInt64Array(rows * tokens);
    if (name === ids && filler !== 0n) data.fill(filler);
    let at = 0;
    for (const call of calls) {
      const given = call.inputs[name] as BigInt64Array;
      for (let row = 0; row < call.rows; row += 1) {
        data.set(given.subarray(row * call.tokens, (row + 1) * call.tokens), at * tokens);
        at += 1;
      }
    }
    return [name, { dtype: 'int64', shape: [rows, tokens], data }] as const;
  });
  return Object.fromEntries(joined);
}

type Outputs = Readonly<Record<string, Values>>;

/** The part of `rows` rows from row `from` on, without what was filled up. */
function cut(
  { dtype, shape, values }: Values,
  from: number,
  { rows, tokens }: TokenRows,
  isOpen: boolean,
): Values {
  const [, length = 1, ...rest] = shape;
  const all = values as Float32Array;
  const width = rest.reduce((product, dim) => product * dim, 1);
  if (!isOpen || shape.length < 2 || length === tokens) {
    const size = shape.length < 2 ? 1 : length * width;
    const part = all.slice(from * size, (from + rows) * size);
    return { dtype, shape: [rows, ...shape.slice(1)], values: part };
  }
  const part = new Float32Array(rows * tokens * width);
  for (let row = 0; row < rows; row += 1) {
    const start = (from + row) * length * width;
    part.set(all.subarray(start, start + tokens * width), row * tokens * width);
  }
  return { dtype, shape: [rows, tokens, ...rest], values: part };
}

/** What each of the calls would have got alone. */
export function splitRows(
  outputs: Readonly<Record<string, Tensor>>,
  calls: readonly TokenRows[],
  signature: Signature,
): Outputs[] {
  let from = 0;
  return calls.map((call) => {
    const parts = Object.entries(outputs).map(([name, { dtype, shape, values }]) => {
      const spec = signature.outputs.find((output) => output.name === name);
      const isOpen = (spec?.shape?.[1] ?? 0) < 0;
      return [name, cut({ dtype, shape, values }, from, call, isOpen)] as const;
    });
    from += call.rows;
    return Object.fromEntries(parts);
  });
}

/** Rounding of float32 over the sums of a deep model stays far below. */
const tolerance = 1e-5;

/** Whether both say the same, but for rounding. */
export function sameOutputs(one: Outputs, other: Outputs): boolean {
  return Object.entries(one).every(([name, { values }]) => {
    const [a, b] = [values as Float32Array, other[name]?.values as Float32Array | undefined];
    return (
      a.length === b?.length &&
      a.every(
        (value, at) => Math.abs(value - (b[at] as number)) <= tolerance * (1 + Math.abs(value)),
      )
    );
  });
}
