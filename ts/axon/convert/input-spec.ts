import { isDtype } from '../../protocol/dtype.ts';
import { limits } from '../../protocol/limits.ts';
import { AxonError } from '../axon-error.ts';

/** One input of a model that does not say itself what it takes. */
export interface InputSpec {
  readonly name: string;
  readonly dtype: string;
  /** A number, or a name for a dimension that the caller chooses. */
  readonly dims: readonly (number | string)[];
  /** Range of the random whole numbers that the comparison puts in. */
  readonly low?: number;
  readonly high?: number;
}

const form = /^([A-Za-z_][\w.]*):(\w+)\[([\w, ]*)\](?:=(-?\d{1,9})\.\.(-?\d{1,9}))?$/;
const example = "'image:float32[batch,3,224,224]' or 'ids:int64[batch,sequence]=0..999'";

/** Reads `name:dtype[dims]`, with `=low..high` for whole numbers. */
export function parseInputSpec(text: string): InputSpec {
  const fail = (why: string) =>
    new AxonError(
      'USAGE',
      `--input ${JSON.stringify(text.slice(0, 200))} ${why}; write ${example}.`,
    );
  const match = form.exec(text);
  if (match === null) throw fail('is not an input');
  const [, name = '', dtype = '', list = '', low, high] = match;
  if (!isDtype(dtype)) throw fail(`has the unknown dtype ${dtype}`);
  const dims = list.trim() === '' ? [] : list.split(',').map((dim) => dimOf(dim.trim()));
  if (dims.length > limits.tensorRank || dims.some((dim) => dim === null))
    throw fail('has an impossible shape');
  const range = low === undefined ? {} : { low: Number(low), high: Number(high) };
  if (range.low !== undefined && range.low > range.high) throw fail('has an empty range');
  return { name, dtype, dims: dims.filter((dim) => dim !== null), ...range };
}

function dimOf(text: string): number | string | null {
  if (/^\d{1,9}$/.test(text)) return Number(text) > 0 ? Number(text) : null;
  return /^[A-Za-z_]\w{0,63}$/.test(text) ? text : null;
}
