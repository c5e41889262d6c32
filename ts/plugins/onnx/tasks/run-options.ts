import { MlosError } from '../../../protocol/errors.ts';
import type { Priority } from '../../../protocol/priority.ts';

/** How a run of the model's tensors is bounded. */
export interface RunOptions {
  readonly signal: AbortSignal;
  /** CLOCK_MONOTONIC in microseconds; null: none. */
  readonly deadlineUs: number | null;
  /** Null: that of the model. */
  readonly priority: Priority | null;
}

/** CLOCK_MONOTONIC in ms. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Errors: DEADLINE_EXCEEDED. */
export function timeoutOf({ deadlineUs }: RunOptions): { readonly timeoutMs?: number } {
  if (deadlineUs === null) return {};
  const left = deadlineUs / 1000 - nowMs();
  if (left > 0) return { timeoutMs: left };
  throw new MlosError('DEADLINE_EXCEEDED', 'The deadline passed before the model was run.');
}
