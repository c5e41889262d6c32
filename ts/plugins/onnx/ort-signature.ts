import type { InferenceSession } from 'onnxruntime-node';
import { MlosError } from '../../protocol/errors.ts';
import type { Signature, TensorSpec } from '../../protocol/tensor.ts';
import { isCarried } from './ort-tensor.ts';

const dimNameLength = 256;

type Rankless = () => ReadonlySet<string>;

function specOf(
  what: 'Input' | 'Output',
  value: InferenceSession.ValueMetadata,
  rankless: Rankless,
): TensorSpec {
  const label = `${what} ${JSON.stringify(value.name)}`;
  if (!value.isTensor) {
    throw new MlosError(
      'UNIMPLEMENTED',
      `${label} is a sequence, map or optional; this plugin runs models whose inputs and outputs are tensors.`,
      { details: { name: value.name } },
    );
  }
  if (!isCarried(value.type)) {
    throw new MlosError(
      'UNIMPLEMENTED',
      `${label} has elements of type ${value.type}, which this plugin does not carry.`,
      { details: { name: value.name, dtype: value.type } },
    );
  }
  // The native part sets outputs as plain properties, and this one would set the prototype instead.
  if (what === 'Output' && value.name === '__proto__') {
    throw new MlosError('UNIMPLEMENTED', `${label}: a name that this runtime cannot return.`);
  }
  const { name, type: dtype } = value;
  if (value.shape.length === 0 && rankless().has(name)) return { name, dtype, shape: null };
  const shape = value.shape.map((dim) => (typeof dim === 'number' ? dim : -1));
  if (!shape.includes(-1)) return { name, dtype, shape };
  const dims = value.shape.map((dim) =>
    typeof dim === 'string' && dim !== '' ? dim.slice(0, dimNameLength) : null,
  );
  return { name, dtype, shape, dims };
}

/**
 * What the session says of its inputs and outputs. `rankless` is asked only where a shape is empty.
 * Throws UNIMPLEMENTED naming what is no tensor of ours.
 */
export function signatureOf(session: InferenceSession, rankless: Rankless): Signature {
  return {
    inputs: session.inputMetadata.map((value) => specOf('Input', value, rankless)),
    outputs: session.outputMetadata.map((value) => specOf('Output', value, rankless)),
  };
}
