import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import type { Type } from 'protobufjs';
import { decodeMessage, encodeMessage } from '../../daemon/doors/grpc/message-codec.ts';
import { loadProtos } from '../../daemon/doors/grpc/protobuf.ts';
import { isDtype } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { findMethod } from '../../protocol/method-table.ts';
import type { MethodSpec } from '../../protocol/methods/method.ts';
import { tensorFromInput } from '../../protocol/tensor-input.ts';
import { asTheSchemaSays, unsayable } from './grpc-forms.ts';

type Bag = Readonly<Record<string, unknown>>;

/** Calls rows of the method table over gRPC, from parameters and to results in the form of JSON. */
export class GrpcCaller {
  readonly #client: Client;
  readonly #root = loadProtos();

  constructor(target: string) {
    this.#client = new Client(target, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
    });
  }

  close(): void {
    this.#client.close();
  }

  /** Why the message of this call cannot say that, or null. */
  unsayable(method: string, params: Bag): string | null {
    const spec = specOf(method);
    if (spec.name !== 'models.infer') return unsayable(this.#type(spec, 'Request'), params);
    const { inputs, ...rest } = inferRequest(spec, params);
    return inputs === null
      ? 'inputs are named, each once'
      : unsayable(this.#type(spec, 'Request'), rest);
  }

  async call(method: string, params: Bag): Promise<Record<string, unknown>> {
    const spec = specOf(method);
    const request = spec.name === 'models.infer' ? inferRequest(spec, params) : params;
    const bytes = encodeMessage(this.#type(spec, 'Request'), request);
    const answer = await this.raw(`mlos.v1.${spec.grpc.service}/${spec.grpc.rpc}`, bytes);
    const plain = decodeMessage(this.#type(spec, 'Response'), answer);
    return asTheSchemaSays(
      method,
      spec.name === 'models.infer' ? inferResult(plain) : plain,
    ) as Record<string, unknown>;
  }

  /** The bytes of one message, answered by those of another; MlosError where the call fails. */
  raw(path: string, bytes: Buffer, deadline = Date.now() + 60_000): Promise<Buffer> {
    const same = (buffer: Buffer) => buffer;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/${path}`,
        same,
        same,
        bytes,
        { deadline },
        (error, answer) => {
          if (error !== null) reject(asMlosError(error));
          else resolve(answer ?? Buffer.alloc(0));
        },
      );
    });
  }

  /** InferEvents: every event, in plain fields. `onEvent` may answer false: then the call is cancelled. */
  events(params: Bag, onEvent: (event: Bag) => boolean = () => true): Promise<Bag[]> {
    const spec = specOf('models.infer');
    const bytes = encodeMessage(this.#type(spec, 'Request'), inferRequest(spec, params));
    const type = this.#root.lookupType('mlos.v1.InferEvent');
    const same = (buffer: Buffer) => buffer;
    const path = '/mlos.v1.InferenceService/InferEvents';
    const call = this.#client.makeServerStreamRequest(path, same, same, bytes);
    const events: Bag[] = [];
    return new Promise((resolve, reject) => {
      call.on('data', (message: Buffer) => {
        const event = decodeMessage(type, message);
        events.push(event);
        if (!onEvent(event)) call.cancel();
      });
      call.on('end', () => resolve(events));
      call.on('error', (error: ServiceError) => reject(asMlosError(error)));
    });
  }

  #type(spec: MethodSpec, part: 'Request' | 'Response'): Type {
    return this.#root.lookupType(`mlos.v1.${spec.grpc.rpc}${part}`);
  }
}

function specOf(method: string): MethodSpec {
  const spec = findMethod(method);
  if (spec === undefined) throw new Error(`no method ${method}`);
  return spec;
}

function asMlosError(error: ServiceError): Error {
  const [code] = error.metadata.get('mlos-code');
  return code === undefined ? error : MlosError.fromWire({ code, message: error.details });
}

/** Inputs by name, at the top level too, as the list that the message has; null where there is none. */
function inferRequest(spec: MethodSpec, params: Bag): Bag {
  const { inputs = {}, ...rest } = params;
  const options = Object.entries(rest)
    .filter(([key]) => Object.hasOwn(spec.params.properties, key))
    // A query has texts where this wire has booleans.
    .map(([key, value]) => [key, value === 'true' || value === 'false' ? value === 'true' : value]);
  const loose = Object.entries(rest).filter(([key]) => !Object.hasOwn(spec.params.properties, key));
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)) {
    return { ...Object.fromEntries(options), inputs: null };
  }
  const named = [...Object.entries(inputs), ...loose];
  const isTwice = new Set(named.map(([name]) => name)).size < named.length;
  return {
    ...Object.fromEntries(options),
    inputs: isTwice ? null : named.map(([name, value]) => ({ name, ...inputForm(value) })),
  };
}

/** Whole tensors go as bytes, everything else as it stands. */
function inputForm(value: unknown): Bag {
  const { dtype, shape } = (value ?? {}) as Bag;
  if (!isDtype(dtype) || !Array.isArray(shape)) return { json: value };
  try {
    const { data } = tensorFromInput({ name: '', dtype, shape: shape.map(() => -1) }, value);
    const elements = data instanceof Uint8Array ? { data } : { strings: data };
    return { tensor: { dtype, shape, ...elements } };
  } catch {
    return { json: value };
  }
}

function inferResult(plain: Bag): Bag {
  const { outputs, ...rest } = plain;
  if (outputs === undefined) return rest;
  const tensors = (outputs as readonly Bag[]).map(({ name, tensor }) => {
    const { dtype, shape = [], data, strings } = tensor as Bag;
    const elements = dtype === 'string' ? (strings ?? []) : (data ?? new Uint8Array());
    return { name: String(name), dtype, shape, elements };
  });
  const by = (pick: (tensor: (typeof tensors)[number]) => unknown) =>
    Object.fromEntries(tensors.map((tensor) => [tensor.name, pick(tensor)]));
  return {
    ...rest,
    outputs: by(({ elements }) => elements),
    output_shapes: by(({ shape }) => shape),
    output_dtypes: by(({ dtype }) => dtype),
  };
}
