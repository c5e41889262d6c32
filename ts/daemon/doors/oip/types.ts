import type { TensorData } from '../../../protocol/tensor.ts';

/**
 * The Open Inference Protocol (v2) in neutral objects: what its HTTP form and its gRPC form have in
 * common. Names are the protocol's, in camel case.
 */
export const oipDatatypes = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP16: 'float16',
  FP32: 'float32',
  FP64: 'float64',
  BF16: 'bfloat16',
  BYTES: 'string',
} as const;

export type OipDatatype = keyof typeof oipDatatypes;

/**
 * Values of parameters. 64-bit integers of gRPC come as numbers where they are safe, else as BigInt;
 * `Uint8Array` only in a repository's load.
 */
export type OipParameter = boolean | number | bigint | string | Uint8Array;
export type OipParameters = ReadonlyMap<string, OipParameter>;

export const noParameters: OipParameters = new Map();

/** A model as a request names it. An empty version is none: the highest. */
export interface OipModelRef {
  readonly modelName: string;
  readonly modelVersion: string;
}

export interface OipInput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly parameters: OipParameters;
  /**
   * Elements: a view of little-endian row-major bytes (of BYTES each a uint32 length and the bytes), or a
   * flat or nested list. Null where they lie in shared memory, as the parameters say.
   */
  readonly data: Uint8Array | readonly unknown[] | null;
}

export interface OipRequestedOutput {
  readonly name: string;
  readonly parameters: OipParameters;
}

export interface OipInferRequest extends OipModelRef {
  readonly id: string;
  readonly parameters: OipParameters;
  readonly inputs: readonly OipInput[];
  /** Empty: all of the model's. */
  readonly outputs: readonly OipRequestedOutput[];
}

export interface OipOutput {
  readonly name: string;
  readonly datatype: OipDatatype;
  readonly shape: readonly number[];
  /** Bytes, or of BYTES a list of texts (`encodeBytesTensor` makes its wire form); null: in shared memory. */
  readonly data: TensorData | null;
  /** Where it was put, when that is shared memory. */
  readonly sharedMemory: { readonly region: string; readonly byteSize: number } | null;
}

export interface OipInferResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: OipParameters;
  readonly outputs: readonly OipOutput[];
}
