/** As much of protobuf's wire format as an ONNX model needs. */
export function join(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const varintType = 0;
const bytesType = 2;
const fixed32Type = 5;

export function int(field: number, value: number): Buffer {
  return join(varint(field * 8 + varintType), varint(value));
}

export function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return join(varint(field * 8 + fixed32Type), bytes);
}

/** A length-delimited field: bytes, or a message made of parts. */
export function message(field: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = join(...parts);
  return join(varint(field * 8 + bytesType), varint(body.byteLength), body);
}

export function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value));
}

export function ints(field: number, values: readonly number[]): Buffer {
  return join(...values.map((value) => int(field, value)));
}

export function repeated(field: number, bodies: readonly Uint8Array[]): Buffer {
  return join(...bodies.map((body) => message(field, body)));
}
