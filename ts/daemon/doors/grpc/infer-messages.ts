import { MlosError } from '../../../protocol/errors.ts';
import type { Tensor } from '../../../protocol/tensor.ts';

/** InferRequest and InferResponse ↔ parameters and result of models.infer: tensors by name. */
type Bag = Readonly<Record<string, unknown>>;

/** A tensor of the wire as models.infer takes it: elements as bytes, or texts. */
function inputOf(name: string, { tensor, json }: Bag): unknown {
  if (tensor === undefined) {
    if (json !== undefined) return json;
    throw new MlosError(
      'INVALID_ARGUMENT',
      `Input ${JSON.stringify(name)} has no value: set "tensor" or "json".`,
    );
  }
  const { dtype, shape = [], data, strings } = tensor as Bag;
  if (data !== undefined && strings !== undefined) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `Input ${JSON.stringify(name)} has both "data" and "strings"; a tensor has one of them.`,
    );
  }
  const isText = strings !== undefined || dtype === 'string';
  const elements = isText ? (strings ?? []) : (data ?? new Uint8Array());
  return { ...(dtype === undefined ? {} : { dtype }), shape, data: elements };
}

export function inferParams(request: Bag): Record<string, unknown> {
  const params: Record<string, unknown> = { ...request };
  const named = (request['inputs'] ?? []) as readonly Bag[];
  const inputs = new Map<string, unknown>();
  for (const entry of named) {
    const name = String(entry['name'] ?? '');
    if (inputs.has(name)) {
      throw new MlosError('INVALID_ARGUMENT', `Input ${JSON.stringify(name)} is given twice.`);
    }
    inputs.set(name, inputOf(name, entry));
  }
  params['inputs'] = Object.fromEntries(inputs);
  return params;
}

export function inferAnswer(result: Bag): Bag {
  const { outputs } = result;
  if (typeof outputs !== 'object' || outputs === null) return result;
  const named = Object.entries(outputs).map(([name, tensor]) => ({
    name,
    tensor: tensorMessage(tensor as Tensor),
  }));
  return { ...result, outputs: named };
}

function tensorMessage({ dtype, shape, data }: Tensor): Bag {
  return data instanceof Uint8Array ? { dtype, shape, data } : { dtype, shape, strings: data };
}
