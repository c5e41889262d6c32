import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { AttachOptions } from './attached-model.ts';

/** The longest busy wait that a client may ask for, in microseconds. */
const maxSpinUs = 1_000_000;

function requireWhole(name: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) return;
  throw new MlosError(
    'INVALID_ARGUMENT',
    `${name} is ${value}; expected a whole number of ${min} to ${max}.`,
  );
}

/** What the daemon does not check because it never sees it. Errors: INVALID_ARGUMENT. */
export function checkAttachOptions({ spinUs, maxArenaBytes }: AttachOptions): void {
  requireWhole('spinUs', spinUs, 0, maxSpinUs);
  requireWhole('maxArenaBytes', maxArenaBytes, 1, limits.channelArenaBytes);
}

/** Whether inputs were given at all. Errors: INVALID_ARGUMENT. */
export function requireInputs(inputs: unknown): void {
  if (typeof inputs === 'object' && inputs !== null && !Array.isArray(inputs)) return;
  throw new MlosError(
    'INVALID_ARGUMENT',
    'The inputs are missing; expected an object with a tensor for each input by its name.',
  );
}

/** Whether `outputs` is a list. Errors: INVALID_ARGUMENT. */
export function requireNames(outputs: unknown): void {
  if (Array.isArray(outputs)) return;
  throw new MlosError('INVALID_ARGUMENT', 'outputs is not a list; expected names of outputs.');
}
