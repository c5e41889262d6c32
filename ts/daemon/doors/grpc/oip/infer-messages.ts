import { oipFail } from '../../oip/status.ts';
import { outputBytes, shown, textOf } from '../../oip/tensors.ts';
import {
  noParameters,
  type OipInferRequest,
  type OipInferResponse,
  type OipInput,
  type OipParameter,
  type OipParameters,
} from '../../oip/types.ts';

/** Messages of an inference ↔ the protocol's neutral objects. Raw elements stay where they lie. */
type Fields = Readonly<Record<string, unknown>>;

/** The elements of each datatype in InferTensorContents. FP16 and BF16 have none. */
const contentsOf: Readonly<Record<string, string>> = {
  BOOL: 'bool_contents',
  INT8: 'int_contents',
  INT16: 'int_contents',
  INT32: 'int_contents',
  INT64: 'int64_contents',
  UINT8: 'uint_contents',
  UINT16: 'uint_contents',
  UINT32: 'uint_contents',
  UINT64: 'uint64_contents',
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

export function textField(fields: Fields, name: string): string {
  return String(fields[name] ?? '');
}

/** `{name: {int64_param: 1}}` → `name → 1`. */
export function readParameters(value: unknown): OipParameters {
  if (value === undefined) return noParameters;
  const entries = Object.entries(value as Fields).map(([name, choice]) => {
    const [set] = Object.values(choice as Fields);
    if (set === undefined) oipFail(`The parameter ${shown(name)} has no value.`);
    return [name, set as OipParameter] as const;
  });
  return new Map(entries);
}

export function readInferRequest(message: Fields): OipInferRequest {
  const raw = (message['raw_input_contents'] ?? []) as readonly Uint8Array[];
  const given = (message['inputs'] ?? []) as readonly Fields[];
  let taken = 0;
  const inputs = given.map((fields): OipInput => {
    const name = textField(fields, 'name');
    const datatype = textField(fields, 'datatype');
    const parameters = readParameters(fields['parameters']);
    const shape = (fields['shape'] ?? []) as readonly number[];
    const isElsewhere = parameters.has('shared_memory_region');
    const contents = fields['contents'] as Fields | undefined;
    let data: OipInput['data'] = null;
    if (contents !== undefined) {
      if (raw.length > 0) oipFail(`Input ${shown(name)} has contents beside raw_input_contents.`);
      data = elementsOf(name, datatype, contents);
    } else if (!isElsewhere && raw.length > 0) {
      data = raw[taken] ?? oipFail(`raw_input_contents has nothing for input ${shown(name)}.`);
      taken += 1;
    } else if (!isElsewhere && shape.includes(0)) data = [];
    return { name, datatype, shape, parameters, data };
  });
  if (taken < raw.length) {
    oipFail(`raw_input_contents has ${raw.length} entries, but ${taken} inputs take one.`);
  }
  const outputs = ((message['outputs'] ?? []) as readonly Fields[]).map((fields) => ({
    name: textField(fields, 'name'),
    parameters: readParameters(fields['parameters']),
  }));
  return {
    modelName: textField(message, 'model_name'),
    modelVersion: textField(message, 'model_version'),
    id: textField(message, 'id'),
    parameters: readParameters(message['parameters']),
    inputs,
    outputs,
  };
}

function elementsOf(name: string, datatype: string, contents: Fields): readonly unknown[] {
  const field = Object.hasOwn(contentsOf, datatype) ? contentsOf[datatype] : undefined;
  const [other] = Object.keys(contents).filter((key) => key !== field);
  if (field === undefined) {
    oipFail(`Input ${shown(name)}: ${shown(datatype)} has no contents; send raw_input_contents.`);
  }
  if (other !== undefined) {
    oipFail(`Input ${shown(name)}: elements of ${datatype} stand in ${field}, not in ${other}.`);
  }
  const list = (contents[field] ?? []) as readonly unknown[];
  if (datatype !== 'BYTES') return list;
  return list.map((bytes, index) => textOf(name, index, bytes as Buffer));
}

/** One raw entry for each output, an empty one where it lies in shared memory. */
export function inferResponse(response: OipInferResponse): Fields {
  return {
    model_name: response.modelName,
    model_version: response.modelVersion,
    id: response.id,
    outputs: response.outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    raw_output_contents: response.outputs.map((output) => outputBytes(output)),
  };
}

/** Whether the caller wants to be told which answer is the last of a request. */
export function wantsFinal({ parameters }: OipInferRequest): boolean {
  return parameters.get('triton_enable_empty_final_response') === true;
}
