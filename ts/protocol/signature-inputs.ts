import { MlosError } from './errors.ts';
import { didYouMean } from './nearest.ts';
import { elementCount, formatSpec, type Signature, Tensor, type TensorSpec } from './tensor.ts';
import { elementsFromList } from './tensor-elements.ts';
import { tensorFromInput } from './tensor-input.ts';

/**
 * Named values → the tensors of a model's signature. The daemon and the attached client both read
 * their caller's inputs here, so that a mistake gets the same error whichever way it came.
 */
export function describeInputs(signature: Signature): string {
  if (signature.inputs.length === 0) return 'no tensors';
  return signature.inputs
    .map((spec) => `${JSON.stringify(spec.name)} ${formatSpec(spec)}`)
    .join(', ');
}

export function unknownInput(modelId: string, name: string, signature: Signature): MlosError {
  const names = signature.inputs.map((spec) => spec.name);
  return new MlosError(
    'UNKNOWN_INPUT',
    `${modelId} has no input ${JSON.stringify(name.slice(0, 200))}.${didYouMean(name, names)} ` +
      `It takes ${describeInputs(signature)}.`,
    { details: { name: name.slice(0, 200), inputs: names } },
  );
}

export function missingInput(modelId: string, spec: TensorSpec): MlosError {
  return new MlosError(
    'MISSING_INPUT',
    `${modelId} needs input ${JSON.stringify(spec.name)} ${formatSpec(spec)}, which is missing.`,
    { details: { name: spec.name, expected: formatSpec(spec) } },
  );
}

/** What tokenizer users leave out: a mask of ones, token types of zeros, shaped as `input_ids`. */
const fillers: Readonly<Record<string, number>> = { attention_mask: 1, token_type_ids: 0 };

function filled(spec: TensorSpec, inputs: ReadonlyMap<string, Tensor>): Tensor | null {
  const ids = inputs.get('input_ids');
  const value = Object.hasOwn(fillers, spec.name) ? fillers[spec.name] : undefined;
  if (ids === undefined || value === undefined || spec.dtype === 'string') return null;
  const count = elementCount(ids.shape, spec.name);
  const list = new Array<number>(count).fill(value);
  return tensorFromInput(
    spec,
    new Tensor(spec.dtype, ids.shape, elementsFromList(spec.dtype, list, spec.name)),
  );
}

/**
 * Reads the values, whose names are all the signature's, and fills in what may be left out. `read`
 * may know more forms of a value than `tensorFromInput`.
 * Errors: MISSING_INPUT, INVALID_SHAPE, INVALID_DTYPE, INVALID_VALUE.
 */
export function tensorsOfSignature(
  modelId: string,
  values: ReadonlyMap<string, unknown>,
  signature: Signature,
  read: (spec: TensorSpec, value: unknown) => Tensor = tensorFromInput,
): Map<string, Tensor> {
  const inputs = new Map<string, Tensor>();
  for (const spec of signature.inputs) {
    if (values.has(spec.name)) inputs.set(spec.name, read(spec, values.get(spec.name)));
  }
  for (const spec of signature.inputs) {
    if (inputs.has(spec.name)) continue;
    const tensor = filled(spec, inputs);
    if (tensor === null) throw missingInput(modelId, spec);
    inputs.set(spec.name, tensor);
  }
  return inputs;
}

/** Throws UNKNOWN_INPUT unless every name is an output of the model. */
export function checkOutputNames(
  modelId: string,
  wanted: readonly string[],
  signature: Signature,
): void {
  const names = signature.outputs.map((spec) => spec.name);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new MlosError(
    'UNKNOWN_INPUT',
    `${modelId} has no output ${JSON.stringify(unknown)}.${didYouMean(unknown, names)} ` +
      `It gives ${names.map((name) => JSON.stringify(name)).join(', ')}.`,
    { details: { name: unknown, outputs: names } },
  );
}
