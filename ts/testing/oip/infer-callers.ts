import type { ServiceError } from '@grpc/grpc-js';
import type { Tensor } from '../../protocol/tensor.ts';
import { exchange, type OipReply, withBinary } from './exchange.ts';
import { OipGrpcClient } from './grpc-client.ts';
import { bytesOf, datatypeOf, tensorOf } from './wire-tensors.ts';

/* Inference over each form of the Open Inference Protocol. */

export interface OipCall {
  readonly model: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Empty: all. */
  readonly outputs: readonly string[];
}

/** Outputs as lists in the form of JSON, or the status that the form has for an error. */
export type OipOutcome =
  | {
      readonly kind: 'result';
      readonly outputs: Readonly<Record<string, readonly unknown[]>>;
      readonly shapes: Readonly<Record<string, readonly number[]>>;
      readonly datatypes: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'error'; readonly status: number; readonly message: string }
  | { readonly kind: 'unsayable'; readonly why: string };

export interface OipCaller {
  readonly name: string;
  readonly form: 'http' | 'grpc';
  infer(call: OipCall): Promise<OipOutcome>;
  close(): void;
}

interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape?: readonly number[];
}

function result(outputs: readonly Output[], elements: readonly (readonly unknown[])[]): OipOutcome {
  const by = <T>(pick: (output: Output, index: number) => T) =>
    Object.fromEntries(outputs.map((output, index) => [output.name, pick(output, index)]));
  return {
    kind: 'result',
    outputs: by((_, index) => elements[index] ?? []),
    shapes: by(({ shape }) => shape ?? []),
    datatypes: by(({ datatype }) => datatype),
  };
}

function inputFacts([name, { dtype, shape }]: readonly [string, Tensor]) {
  return { name, shape, datatype: datatypeOf(dtype) };
}

/** JSON whose integers beyond 2^53 are kept, as texts; JSON.parse would round them. */
function exactly(json: string) {
  const wide = /(?<=[[,])-?\d{16,}(?=[,\]])/g;
  const kept = (text: string) => (Number.isSafeInteger(Number(text)) ? text : `"${text}"`);
  return JSON.parse(json.replaceAll(wide, kept));
}

const pathOf = (model: string) => `/v2/models/${encodeURIComponent(model)}/infer`;
const named = (outputs: readonly string[]) => outputs.map((name) => ({ name }));

function failure({ status, json }: OipReply): OipOutcome {
  return { kind: 'error', status, message: json.error };
}

export function jsonCaller(port: number): OipCaller {
  return {
    name: 'http-json',
    form: 'http',
    infer: async ({ model, inputs, outputs }) => {
      const half = Object.values(inputs).some(({ dtype }) => dtype === 'float16');
      if (half) return { kind: 'unsayable', why: 'FP16 has no form in JSON' };
      const list = Object.entries(inputs).map((one) => ({
        ...inputFacts(one),
        data: one[1].toJSON(),
      }));
      const body = JSON.stringify({ inputs: list, outputs: named(outputs) });
      const reply = await exchange(port, 'POST', pathOf(model), { body });
      if (reply.status !== 200) return failure(reply);
      const answers = exactly(String(reply.bytes)).outputs as (Output & {
        readonly data: unknown[];
      })[];
      return result(
        answers,
        answers.map(({ data }) => data),
      );
    },
    close: () => undefined,
  };
}

/** Outputs of an answer in binary. */
export function readBinary({ json, binary }: OipReply): Map<string, Tensor> {
  let at = 0;
  const tensors = new Map<string, Tensor>();
  for (const { name, datatype, shape, parameters } of json.outputs) {
    const end = at + parameters.binary_data_size;
    tensors.set(name, tensorOf(datatype, shape, binary.subarray(at, end)));
    at = end;
  }
  if (at !== binary.length) throw new Error(`${binary.length - at} bytes are no output's`);
  return tensors;
}

export function inferBinary(port: number, { model, inputs, outputs }: OipCall): Promise<OipReply> {
  const list = Object.entries(inputs).map((one) => ({
    ...inputFacts(one),
    parameters: { binary_data_size: bytesOf(one[1]).byteLength },
  }));
  const json = {
    inputs: list,
    outputs: named(outputs),
    parameters: { binary_data_output: true },
  };
  const sent = withBinary(json, ...Object.values(inputs).map(bytesOf));
  return exchange(port, 'POST', pathOf(model), sent);
}

export function binaryCaller(port: number): OipCaller {
  return {
    name: 'http-binary',
    form: 'http',
    infer: async (call) => {
      const reply = await inferBinary(port, call);
      if (reply.status !== 200) return failure(reply);
      const tensors = readBinary(reply);
      return result(
        reply.json.outputs,
        [...tensors.values()].map((one) => one.toJSON() as unknown[]),
      );
    },
    close: () => undefined,
  };
}

export function grpcCaller(name: string, target: string): OipCaller {
  const client = new OipGrpcClient(target);
  return {
    name,
    form: 'grpc',
    infer: async ({ model, inputs, outputs }) => {
      const request = {
        model_name: model,
        inputs: Object.entries(inputs).map(inputFacts),
        outputs: named(outputs),
        raw_input_contents: Object.values(inputs).map((one) => Buffer.from(bytesOf(one))),
      };
      try {
        const answer = await client.call('ModelInfer', request);
        const answers = answer.outputs as readonly Output[];
        const raw = answer.raw_output_contents as readonly Buffer[];
        return result(
          answers,
          answers.map(
            ({ datatype, shape = [] }, index) =>
              tensorOf(datatype, shape, raw[index] ?? Buffer.alloc(0)).toJSON() as unknown[],
          ),
        );
      } catch (error) {
        const { code, details } = error as ServiceError;
        if (code === undefined) throw error;
        return { kind: 'error', status: code, message: details };
      }
    },
    close: () => client.close(),
  };
}
