import { MlosError } from '../protocol/errors.ts';

/** To length 1. */
export function normalized(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const length = Math.sqrt(sum) || 1;
  return vector.map((value) => value / length);
}

export function noNumbers(): MlosError {
  return new MlosError('INFERENCE_FAILED', "The model's answer is no numbers (NaN or infinite).");
}

/** As the doors take it: numbers that JSON writes as a list. Errors: INFERENCE_FAILED for what is no number. */
export function wireVector(vector: Float32Array, shape: readonly number[]) {
  if (!vector.every(Number.isFinite)) throw noNumbers();
  return { float32: new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), shape };
}
