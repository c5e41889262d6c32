/** To length 1. */
export function normalized(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const length = Math.sqrt(sum) || 1;
  return vector.map((value) => value / length);
}

/** As the doors take it: numbers that JSON writes as a list. */
export function wireVector(vector: Float32Array, shape: readonly number[]) {
  return { float32: new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), shape };
}
