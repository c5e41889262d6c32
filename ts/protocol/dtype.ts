/**
 * Element types of tensors. Names are those of the ONNX and NumPy world; `onnx` is
 * `onnx.TensorProto.DataType`, which ONNX Runtime's C ABI uses too. `byteLength` is per element;
 * strings have none.
 */
export interface DtypeInfo {
  readonly onnx: number;
  readonly byteLength: number;
  readonly kind: 'float' | 'int' | 'uint' | 'bool' | 'string';
}

export const dtypes = {
  float32: { onnx: 1, byteLength: 4, kind: 'float' },
  uint8: { onnx: 2, byteLength: 1, kind: 'uint' },
  int8: { onnx: 3, byteLength: 1, kind: 'int' },
  uint16: { onnx: 4, byteLength: 2, kind: 'uint' },
  int16: { onnx: 5, byteLength: 2, kind: 'int' },
  int32: { onnx: 6, byteLength: 4, kind: 'int' },
  int64: { onnx: 7, byteLength: 8, kind: 'int' },
  string: { onnx: 8, byteLength: 0, kind: 'string' },
  bool: { onnx: 9, byteLength: 1, kind: 'bool' },
  float16: { onnx: 10, byteLength: 2, kind: 'float' },
  float64: { onnx: 11, byteLength: 8, kind: 'float' },
  uint32: { onnx: 12, byteLength: 4, kind: 'uint' },
  uint64: { onnx: 13, byteLength: 8, kind: 'uint' },
  bfloat16: { onnx: 16, byteLength: 2, kind: 'float' },
} as const satisfies Record<string, DtypeInfo>;

export type Dtype = keyof typeof dtypes;

export const dtypeNames = Object.keys(dtypes) as readonly Dtype[];

export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(dtypes, value);
}

/** The dtype of an ONNX element type code, or null where this product has none (complex, float8 …). */
export function dtypeFromOnnx(code: number): Dtype | null {
  return dtypeNames.find((name) => dtypes[name].onnx === code) ?? null;
}
