import { MlosError } from '../../protocol/errors.ts';
import { findMethod } from '../../protocol/method-table.ts';
import type { EngineOptionsWire } from '../../protocol/methods/engine-options.ts';
import { didYouMean } from '../../protocol/nearest.ts';

/** What the engine can be told of a model, as the method table declares it. */
const options = findMethod('models.register')?.params.properties['engine']?.properties ?? {};

export const engineOptionNames = Object.keys(options);

function invalid(pair: string, why: string): MlosError {
  return new MlosError('INVALID_ARGUMENT', `--engine ${pair}: ${why}`);
}

/** `0,2-3` → [0, 2, 3]. */
function readCpus(pair: string, text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [, first = '', last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim()) ?? [];
    const count = Number(last) - Number(first) + 1;
    if (first === '' || count < 1) throw invalid(pair, 'expected CPU numbers such as 0,2-3.');
    return Array.from({ length: count }, (_, index) => Number(first) + index);
  });
}

/** `key=value` pairs of the command line. What a value may be is the daemon's to say. */
export function readEngineOptions(pairs: readonly string[]): EngineOptionsWire {
  const read: Record<string, unknown> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at <= 0) throw invalid(pair, 'expected key=value.');
    const [key, text] = [pair.slice(0, at), pair.slice(at + 1)];
    const { type } = options[key] ?? {};
    if (!Object.hasOwn(options, key)) {
      throw invalid(
        pair,
        `unknown option.${didYouMean(key, engineOptionNames)} Known: ${engineOptionNames.join(', ')}.`,
      );
    }
    if (Object.hasOwn(read, key)) throw invalid(pair, `${key} is given twice.`);
    if (type === 'array') read[key] = readCpus(pair, text);
    else read[key] = type === 'integer' && /^\d{1,15}$/.test(text) ? Number(text) : text;
  }
  return read;
}
