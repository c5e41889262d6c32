/**
 * IEEE 754 binary16 and bfloat16 as bit patterns: Node 20 has no Float16Array. Both round to the
 * nearest, ties to even, as NumPy and ONNX Runtime do.
 */
const scratch = new DataView(new ArrayBuffer(4));

function float32Bits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

function fromFloat32Bits(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** Shifts right by `count`, rounding to nearest with ties to even. */
function roundShift(value: number, count: number): number {
  const half = 2 ** (count - 1);
  const quotient = Math.floor(value / 2 ** count);
  const remainder = value - quotient * 2 ** count;
  if (remainder > half || (remainder === half && quotient % 2 === 1)) return quotient + 1;
  return quotient;
}

/** Number → binary16 bits. Magnitudes that round above 65504 become infinity. */
export function toFloat16(value: number): number {
  const bits = float32Bits(value);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff) return sign | (mantissa === 0 ? 0x7c00 : 0x7e00);
  const target = exponent - 127 + 15;
  if (target >= 31) return sign | 0x7c00;
  if (target > 0) return sign | (target * 1024 + roundShift(mantissa, 13));
  if (target < -10) return sign;
  return sign | roundShift(mantissa | 0x800000, 14 - target);
}

/** binary16 bits → number, exactly. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** Number → bfloat16 bits: the upper half of a float32, rounded. */
export function toBfloat16(value: number): number {
  const bits = float32Bits(value);
  if (Number.isNaN(value)) return 0x7fc0;
  return roundShift(bits, 16) & 0xffff;
}

/** bfloat16 bits → number, exactly. */
export function fromBfloat16(bits: number): number {
  return fromFloat32Bits((bits << 16) >>> 0);
}
