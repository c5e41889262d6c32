import { oipFail } from '../../oip/status.ts';
import { shown } from '../../oip/tensors.ts';
import {
  noParameters,
  type OipInferRequest,
  type OipInput,
  type OipModelRef,
  type OipParameter,
  type OipParameters,
  type OipRequestedOutput,
} from '../../oip/types.ts';
import { parseBody } from '../codec.ts';
import { exactInputs } from './exact-integers.ts';

/**
 * The body of an inference: JSON, and behind it the tensors that are sent as bytes, in the order of the
 * inputs. They stay where they lie.
 */
type Fields = Readonly<Record<string, unknown>>;

/** Where the JSON of a body ends, as the header says; null: it is all JSON. Errors: INVALID_ARGUMENT. */
export function headerLength(text: string, body: Buffer): number | null {
  if (text === '') return null;
  const length = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (length <= body.byteLength) return length;
  oipFail(
    `Inference-Header-Content-Length must be the length of the JSON in bytes, 0 to ${body.byteLength} (uncompressed), not ${shown(text)}.`,
  );
}

/** Errors: INVALID_JSON, INVALID_ARGUMENT. */
export function readInferRequest(
  ref: OipModelRef,
  body: Buffer,
  jsonBytes: number | null,
): OipInferRequest {
  const text = jsonBytes === null ? body : body.subarray(0, jsonBytes);
  const json = parseBody(text);
  const binary = new BinaryData(body, jsonBytes ?? body.byteLength);
  const { id = '', inputs, outputs = [] } = json;
  if (typeof id !== 'string') oipFail('"id" must be a text.');
  if (!Array.isArray(inputs)) oipFail('"inputs" must be a list of tensors.');
  if (!Array.isArray(outputs)) oipFail('"outputs" must be a list.');
  const request = {
    modelName: ref.modelName,
    modelVersion: ref.modelVersion,
    id,
    parameters: readParameters(json['parameters']),
    inputs: exactInputs(inputs, text).map((value, i) => readInput(value, i, binary)),
    outputs: outputs.map(readOutput),
  };
  binary.assertTaken();
  return request;
}

class BinaryData {
  readonly #body: Buffer;
  #at: number;

  constructor(body: Buffer, at: number) {
    this.#body = body;
    this.#at = at;
  }

  take(name: string, size: unknown): Buffer {
    const left = this.#body.byteLength - this.#at;
    if (!Number.isSafeInteger(size) || (size as number) < 0 || (size as number) > left) {
      oipFail(
        `Input ${shown(name)}: binary_data_size is ${JSON.stringify(size)}, but ${left} bytes are left in the body.`,
      );
    }
    const end = this.#at + (size as number);
    const data = this.#body.subarray(this.#at, end);
    this.#at = end;
    return data;
  }

  assertTaken(): void {
    const left = this.#body.byteLength - this.#at;
    if (left > 0) oipFail(`${left} bytes at the end of the body belong to no input.`);
  }
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  oipFail(`${what} must be an object.`);
}

function nameOf(fields: Fields, what: string): string {
  const { name } = fields;
  if (typeof name === 'string' && name !== '') return name;
  oipFail(`${what} has no "name".`);
}

function readInput(value: unknown, index: number, binary: BinaryData): OipInput {
  const fields = fieldsOf(value, `inputs[${index}]`);
  const name = nameOf(fields, `inputs[${index}]`);
  const { datatype, shape } = fields;
  if (typeof datatype !== 'string') oipFail(`Input ${shown(name)} has no "datatype".`);
  if (!Array.isArray(shape)) oipFail(`Input ${shown(name)} has no "shape".`);
  const parameters = readParameters(fields['parameters']);
  return { name, datatype, shape, parameters, data: dataOf(name, fields, parameters, binary) };
}

function dataOf(
  name: string,
  { data }: Fields,
  parameters: OipParameters,
  binary: BinaryData,
): OipInput['data'] {
  const size = parameters.get('binary_data_size');
  if (size !== undefined) {
    if (data !== undefined) oipFail(`Input ${shown(name)} has "data" and a binary_data_size.`);
    return binary.take(name, size);
  }
  if (data === undefined) return null;
  if (!Array.isArray(data)) oipFail(`Input ${shown(name)}: "data" must be a list.`);
  return data;
}

function readOutput(value: unknown, index: number): OipRequestedOutput {
  const fields = fieldsOf(value, `outputs[${index}]`);
  const name = nameOf(fields, `outputs[${index}]`);
  return { name, parameters: readParameters(fields['parameters']) };
}

export function readParameters(value: unknown): OipParameters {
  if (value === undefined) return noParameters;
  const entries = Object.entries(fieldsOf(value, '"parameters"'));
  for (const [name, entry] of entries) {
    if (!['string', 'number', 'boolean'].includes(typeof entry)) {
      oipFail(`The parameter ${shown(name)} must be a text, a number, true or false.`);
    }
  }
  return new Map(entries as [string, OipParameter][]);
}
