import { isUtf8 } from 'node:buffer';
import type { Dtype } from '../../../protocol/dtype.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { Tensor } from '../../../protocol/tensor.ts';
import { oipFail } from './status.ts';
import { type OipDatatype, type OipInput, type OipOutput, oipDatatypes } from './types.ts';

/** Tensors between the protocol's forms and those of models.infer. Bytes stay where they lie. */
const names = Object.fromEntries(
  Object.entries(oipDatatypes).map(([name, dtype]) => [dtype, name]),
) as Record<Dtype, OipDatatype>;

export function datatypeOf(dtype: Dtype): OipDatatype {
  return names[dtype];
}

/** What `models.infer` takes for an input. */
export interface InputValue {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Uint8Array | readonly unknown[];
}

/** Errors: INVALID_ARGUMENT, INVALID_VALUE. */
export function inputValue(input: OipInput, data: NonNullable<OipInput['data']>): InputValue {
  const { name, datatype, shape } = input;
  const dtype = dtypeNamed(datatype, name);
  const isBytes = data instanceof Uint8Array;
  if (!isBytes && (dtype === 'float16' || dtype === 'bfloat16')) {
    oipFail(`Input ${shown(name)}: ${datatype} has no JSON form; send its elements as bytes.`);
  }
  if (isBytes && dtype === 'string') return { dtype, shape, data: decodeBytesTensor(name, data) };
  return { dtype, shape, data };
}

function dtypeNamed(datatype: string, input: string): Dtype {
  if (Object.hasOwn(oipDatatypes, datatype)) return oipDatatypes[datatype as OipDatatype];
  const all = Object.keys(oipDatatypes).join(', ');
  const message = `Input ${shown(input)}: datatype ${shown(datatype)} is none of ${all}.`;
  throw new MlosError('INVALID_DTYPE', message, { details: { name: input, received: datatype } });
}

/** An element of BYTES on the wire: its length (uint32, little-endian), then its bytes. */
const lengthBytes = 4;

function decodeBytesTensor(name: string, data: Uint8Array): string[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const texts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const begin = at + lengthBytes;
    const end = begin <= bytes.length ? begin + bytes.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) {
      oipFail(`Input ${shown(name)}: element ${texts.length} of BYTES ends after the data do.`);
    }
    texts.push(textOf(name, texts.length, bytes.subarray(begin, end)));
    at = end;
  }
  return texts;
}

/** An element of BYTES as text, which is what string tensors hold. Errors: INVALID_VALUE. */
export function textOf(name: string, index: number, bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new MlosError(
    'INVALID_VALUE',
    `Input ${shown(name)}: element ${index} of BYTES is not UTF-8, which a string tensor needs. ` +
      'Send other bytes as a UINT8 tensor.',
    { details: { name, index } },
  );
}

/** The wire form of BYTES elements. */
export function encodeBytesTensor(texts: readonly string[]): Uint8Array {
  let size = 0;
  for (const text of texts) size += lengthBytes + Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const text of texts) {
    const length = bytes.write(text, at + lengthBytes);
    bytes.writeUInt32LE(length, at);
    at += lengthBytes + length;
  }
  return bytes;
}

/** An output's elements as the protocol's bytes. */
export function outputBytes({ data }: Pick<OipOutput, 'data'>): Uint8Array {
  if (data === null) return new Uint8Array(0);
  return data instanceof Uint8Array ? data : encodeBytesTensor(data);
}

export function outputOf(name: string, tensor: Tensor): OipOutput {
  const { dtype, shape, data } = tensor;
  return { name, datatype: datatypeOf(dtype), shape, data, sharedMemory: null };
}

export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
