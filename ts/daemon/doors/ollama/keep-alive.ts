import { type Fields, given, invalid } from '../text/fields.ts';

const duration = /^-?(?:\d{1,15}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h))+$/;
const bare = /^-?\d{1,15}$/;

/**
 * Whether the model is to be unloaded after the answer: only 0 asks for that. Whatever else there is is longer
 * than the answer, and models of this daemon stay until they are unloaded.
 * Errors: INVALID_ARGUMENT.
 */
export function unloadsAfter(body: Fields): boolean {
  const value = given(body['keep_alive']);
  if (value === undefined) return false;
  if (typeof value === 'number') return value === 0;
  if (typeof value !== 'string' || !(bare.test(value) || duration.test(value))) {
    throw invalid('keep_alive', 'seconds, or a duration such as "5m"; 0 unloads the model');
  }
  return !/[1-9]/.test(value);
}
