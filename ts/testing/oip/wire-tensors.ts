import { encodeBytesTensor } from '../../daemon/doors/oip/tensors.ts';
import { oipDatatypes } from '../../daemon/doors/oip/types.ts';
import type { Dtype } from '../../protocol/dtype.ts';
import { Tensor, type TensorData } from '../../protocol/tensor.ts';

/* Tensors as the Open Inference Protocol has them, for clients in tests. */

export function datatypeOf(dtype: Dtype): string {
  const entry = Object.entries(oipDatatypes).find(([, ours]) => ours === dtype);
  if (entry === undefined) throw new Error(`no datatype for ${dtype}`);
  return entry[0];
}

export function bytesOf({ data }: Tensor): Uint8Array {
  return data instanceof Uint8Array ? data : encodeBytesTensor(data);
}

/** A tensor from the bytes of an output. */
export function tensorOf(datatype: string, shape: readonly number[], bytes: Buffer): Tensor {
  const dtype = oipDatatypes[datatype as keyof typeof oipDatatypes];
  const data: TensorData = dtype === 'string' ? textsOf(bytes) : new Uint8Array(bytes);
  return new Tensor(dtype, shape, data);
}

function textsOf(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    texts.push(bytes.toString('utf8', at + 4, end));
    at = end;
  }
  return texts;
}
