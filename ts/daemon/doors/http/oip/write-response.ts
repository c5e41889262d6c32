import { Tensor } from '../../../../protocol/tensor.ts';
import { flag } from '../../oip/parameters.ts';
import { oipFail } from '../../oip/status.ts';
import { outputBytes, shown } from '../../oip/tensors.ts';
import {
  type OipInferRequest,
  type OipInferResponse,
  type OipOutput,
  oipDatatypes,
} from '../../oip/types.ts';
import { elementsText } from '../json-elements.ts';
import type { HttpAnswer } from '../surface.ts';

/** Which outputs a request wants as bytes: each may say it, and the request for all that do not. */
export class BinaryOutputs {
  readonly #each = new Map<string, boolean>();
  readonly #others: boolean;

  /** `request` null: a raw binary one, which is answered in kind. */
  constructor(request: OipInferRequest | null) {
    this.#others = request === null || flag(request.parameters, 'binary_data_output');
    for (const { name, parameters } of request?.outputs ?? []) {
      if (parameters.has('binary_data')) this.#each.set(name, flag(parameters, 'binary_data'));
    }
  }

  has(name: string): boolean {
    return this.#each.get(name) ?? this.#others;
  }
}

/** JSON, and behind it the outputs that are wanted as bytes, each where it was made. */
export function inferAnswer(response: OipInferResponse, binary: BinaryOutputs): HttpAnswer {
  const tensors: Uint8Array[] = [];
  const outputs = response.outputs.map((output) => outputText(output, binary, tensors));
  const { id, modelName, modelVersion } = response;
  const start = id === '' ? '' : `"id":${JSON.stringify(id)},`;
  const text =
    `{${start}"model_name":${JSON.stringify(modelName)},"model_version":"${modelVersion}",` +
    `"outputs":[${outputs.join()}]}`;
  if (tensors.length === 0) {
    return { status: 200, contentType: 'application/json', body: text, headers: null };
  }
  const json = Buffer.from(text);
  return {
    status: 200,
    contentType: 'application/octet-stream',
    body: [json, ...tensors],
    headers: [['inference-header-content-length', String(json.byteLength)]],
  };
}

/** Of an output in shared memory clients want no parameters at all, and of bytes their size. */
function outputText(output: OipOutput, binary: BinaryOutputs, tensors: Uint8Array[]): string {
  const { name, datatype, shape, data } = output;
  const facts = `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join()}]`;
  if (data === null) return `${facts}}`;
  if (binary.has(name)) {
    const bytes = outputBytes(output);
    tensors.push(bytes);
    return `${facts},"parameters":{"binary_data_size":${bytes.byteLength}}}`;
  }
  if (datatype === 'FP16' || datatype === 'BF16') {
    oipFail(`Output ${shown(name)}: ${datatype} has no JSON form; ask for it as binary_data.`);
  }
  return `${facts},"data":${elementsText(new Tensor(oipDatatypes[datatype], shape, data), 'digits')}}`;
}
