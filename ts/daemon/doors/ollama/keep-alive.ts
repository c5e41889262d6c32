import { limits } from '../../../protocol/limits.ts';
import { type Fields, given, invalid } from '../text/fields.ts';

const duration = /^-?(?:\d{1,15}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h))+$/;
const part = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g;
const bare = /^-?\d{1,15}$/;
const unitMs: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 },
};

function durationMs(text: string): number {
  const parts = [...text.matchAll(part)];
  const ms = parts.reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0),
    0,
  );
  return text.startsWith('-') ? -ms : ms;
}

/**
 * How long the model stays behind the answer, in ms: 0 goes at once, −1 stays, undefined is as before.
 * Errors: INVALID_ARGUMENT.
 */
export function keepAliveOf(body: Fields): number | undefined {
  const value = given(body['keep_alive']);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return within(value * 1_000);
  if (typeof value === 'string' && bare.test(value)) return within(Number(value) * 1_000);
  if (typeof value === 'string' && duration.test(value)) return within(durationMs(value));
  throw invalid('keep_alive', 'seconds, or a duration such as "5m"; 0 unloads the model');
}

/** Whole, and what is beyond the limit is for good. */
function within(ms: number): number {
  return ms < 0 || ms > limits.keepAliveMs ? -1 : Math.ceil(ms);
}
