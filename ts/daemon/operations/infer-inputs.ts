import { MlosError } from '../../protocol/errors.ts';
import { findMethod } from '../../protocol/method-table.ts';
import {
  describeInputs,
  tensorsOfSignature,
  unknownInput,
} from '../../protocol/signature-inputs.ts';
import type { Signature, Tensor, TensorSpec } from '../../protocol/tensor.ts';
import type { RequestFiles } from '../request-context.ts';
import { inputReader } from './memfd-input.ts';

/**
 * From the forms that people send to the tensors that the model's signature asks for:
 * `{"inputs": {"x": …}}`, inputs at the top level (`{"input_ids": […]}`), and the earlier
 * `{"input": […]}` for a model with one input.
 */
/** Keys of a request that name no input. */
const inferOptions = findMethod('models.infer')?.params.properties ?? {};
const textKeys = new Set(['input', 'prompt', 'text']);

function textNotSupported(modelId: string, signature: Signature): MlosError {
  return new MlosError(
    'UNIMPLEMENTED',
    `${modelId} takes tensors: its package does not say how they are made of anything else (a tokenizer or a processor, ` +
      'and what it is for: pipeline_tag, or architectures in config.json). ' +
      `Send ${describeInputs(signature)}.`,
    { details: { inputs: signature.inputs } },
  );
}

/** The one input that a bare `input` can only mean, or null. */
function onlyInput(signature: Signature): TensorSpec | null {
  const [first, second] = signature.inputs;
  return first !== undefined && second === undefined ? first : null;
}

/** Of the signatures of models that are loaded. */
const namesBySignature = new WeakMap<Signature, ReadonlySet<string>>();

function namesOf(signature: Signature): ReadonlySet<string> {
  let names = namesBySignature.get(signature);
  if (names === undefined) {
    names = new Set(signature.inputs.map((spec) => spec.name));
    namesBySignature.set(signature, names);
  }
  return names;
}

/** Values by the model's own input names. */
function collectValues(
  modelId: string,
  params: Readonly<Record<string, unknown>>,
  signature: Signature,
): Map<string, unknown> {
  const known = namesOf(signature);
  const values = new Map<string, unknown>();
  const put = (name: string, value: unknown): void => {
    if (known.has(name)) {
      if (values.has(name)) {
        throw new MlosError('INVALID_ARGUMENT', `Input ${JSON.stringify(name)} is given twice.`);
      }
      values.set(name, value);
      return;
    }
    const single = onlyInput(signature);
    const isText = typeof value === 'string' && single?.dtype !== 'string';
    if (textKeys.has(name) && isText) throw textNotSupported(modelId, signature);
    if (name !== 'input' || single === null) throw unknownInput(modelId, name, signature);
    values.set(single.name, value);
  };
  for (const [name, value] of Object.entries(params['inputs'] ?? {})) put(name, value);
  for (const name of Object.keys(params)) {
    const value = params[name];
    const isOption = name !== 'input' && Object.hasOwn(inferOptions, name);
    // A model may call an input as we call an option; what schema and model agree on is the input.
    if (!isOption || (known.has(name) && name !== 'model_id' && name !== 'inputs'))
      put(name, value);
  }
  return values;
}

/** Errors: MISSING_INPUT, UNKNOWN_INPUT, INVALID_SHAPE, INVALID_DTYPE, INVALID_VALUE, UNIMPLEMENTED. */
export function readInputs(
  modelId: string,
  params: Readonly<Record<string, unknown>>,
  signature: Signature,
  files: RequestFiles | null = null,
): Readonly<Record<string, Tensor>> {
  const values = collectValues(modelId, params, signature);
  const inputs = tensorsOfSignature(modelId, values, signature, inputReader(files));
  // fromEntries defines own properties, so that a name such as `__proto__` is a name like any other.
  return Object.fromEntries(inputs);
}
