/*
 * A plugin gives vectors as bytes (float32, little-endian) with their shape: a tenth of what numbers take
 * on the way. Here they become lists, and files base64.
 */
type Fields = Readonly<Record<string, unknown>>;

function floats(bytes: Uint8Array): number[] {
  // A copy at an offset of its own; slice() of a Buffer is none.
  const copy = new Uint8Array(bytes);
  return Array.from(new Float32Array(copy.buffer, 0, copy.byteLength >> 2));
}

/** Rows of a flat list; a vector stays as it is. */
function nested(values: readonly number[], shape: readonly number[]): unknown[] {
  const width = shape.at(-1) ?? 0;
  if (shape.length < 2 || width === 0) return [...values];
  const rows: number[][] = [];
  for (let at = 0; at < values.length; at += width) rows.push(values.slice(at, at + width));
  return rows;
}

function isVector(value: unknown): value is { float32: Uint8Array; shape: readonly number[] } {
  const { float32, shape } = (value ?? {}) as Fields;
  return float32 instanceof Uint8Array && Array.isArray(shape);
}

function plain(value: unknown): unknown {
  if (isVector(value)) return nested(floats(value.float32), value.shape);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value))
    return value.some((item) => typeof item === 'object') ? value.map(plain) : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** The result as callers see it. */
export function wireResult(result: unknown): unknown {
  return plain(result);
}
