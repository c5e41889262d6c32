import { NativeError } from './native-error.ts';

/** Throws INVALID_ARGUMENT unless `value` is a whole number from `min` to `max`. */
export function requireInteger(
  value: number,
  name: string,
  { min, max = Number.MAX_SAFE_INTEGER }: { min: number; max?: number },
): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new NativeError(
    'INVALID_ARGUMENT',
    `${name} must be a whole number from ${min} to ${max}, not ${String(value)}`,
  );
}

/** Throws INVALID_ARGUMENT unless `fd` can be a descriptor. */
export function requireFd(fd: number, name: string): void {
  requireInteger(fd, name, { min: 0, max: 0x7fff_ffff });
}
