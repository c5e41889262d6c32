import { type ErrorCode, isErrorCode } from '../protocol/error-codes.ts';
import { channelLayout } from './channel-layout.ts';

/*
 * Shared memory carries numbers, callers see codes. The names of the numbers are the codes, but for
 * two: OK is no error, and CLIENT_GONE is what a host writes for nobody to read.
 */

let codes: readonly (ErrorCode | null)[] | undefined;

/** The code of each StatusCode, at its number. */
function codesByStatus(): readonly (ErrorCode | null)[] {
  if (codes !== undefined) return codes;
  const list: (ErrorCode | null)[] = [];
  for (const [name, number] of Object.entries(channelLayout().status)) {
    if (name === 'OK') list[number] = null;
    else list[number] = isErrorCode(name) ? name : 'CANCELLED';
  }
  codes = list;
  return list;
}

/** The error code of a StatusCode; null for OK. A number that is none of ours is INTERNAL. */
export function errorCodeOfStatus(status: number): ErrorCode | null {
  const code = codesByStatus()[status];
  return code === undefined ? 'INTERNAL' : code;
}

/** The StatusCode of an error code, or of success; codes that no host answers travel as INTERNAL. */
export function statusOfErrorCode(code: ErrorCode | null): number {
  const { status } = channelLayout();
  return status[code ?? 'OK'] ?? (status['INTERNAL'] as number);
}
