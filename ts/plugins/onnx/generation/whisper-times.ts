import type { Constraint } from '../../generation/constraints.ts';
import type { Library, LibraryTensor } from '../tasks/library.ts';

/*
 * A Whisper model writes times between its words: <|0.00|> what is said <|2.40|><|2.40|> more <|5.00|>. Where a
 * pair of them comes last, the rest is heard once more from there, as OpenAI's transcribe() does.
 */

/** Frames of the features for one step of the times. */
const framesPerStep = 2;
/** 30 s in steps of 20 ms. */
const mostSteps = 1_500;

/** Times come in pairs, and first. `generation`: the package's generation_config.json. */
export function timesConstraint(
  library: Library,
  generation: Readonly<Record<string, unknown>>,
  prompt: readonly number[],
): Constraint {
  const rule = new library.WhisperTimeStampLogitsProcessor(generation as never, [...prompt]);
  return (logits, seen) => {
    rule._call([seen] as never, [{ data: logits }] as never);
  };
}

interface Kept {
  readonly tokens: readonly number[];
  /** How far these have come. */
  readonly frames: number;
}

/** What of a segment's tokens is whole. `firstTime`: the token of 0.00 s. */
export function wholeSegments(tokens: readonly number[], firstTime: number, frames: number): Kept {
  const isTime = (at: number) => (tokens[at] ?? -1) >= firstTime;
  const last = tokens.length - 1;
  const endsWhole = last >= 1 && isTime(last) && !isTime(last - 1);
  let pair = 0;
  for (let at = 1; at <= last; at += 1) if (isTime(at - 1) && isTime(at)) pair = at;
  if (pair === 0 || endsWhole) return { tokens, frames };
  const reached = ((tokens[pair - 1] as number) - firstTime) * framesPerStep;
  // A model that says that no time has passed would be asked the same for ever.
  return reached > 0 ? { tokens: tokens.slice(0, pair), frames: reached } : { tokens, frames };
}

/** Frames from `from` on, with silence behind them. */
function cut(library: Library, features: LibraryTensor, from: number): LibraryTensor {
  const [, rows = 0, frames = 0] = features.dims;
  if (from === 0) return features;
  const given = features.data as Float32Array;
  const data = new Float32Array(rows * frames);
  for (let row = 0; row < rows; row += 1) {
    data.set(given.subarray(row * frames + from, (row + 1) * frames), row * frames);
  }
  return new library.Tensor('float32', data, [1, rows, frames]);
}

/** Tokens of one span with times from its beginning. `write`: those of some features. */
export async function writeWithTimes(
  library: Library,
  features: LibraryTensor,
  firstTime: number,
  write: (features: LibraryTensor) => Promise<readonly number[]>,
): Promise<number[]> {
  const frames = features.dims[2] ?? 0;
  const all: number[] = [];
  for (let at = 0; at < frames; ) {
    const written = await write(cut(library, features, at));
    if (written.length === 0) break;
    const { tokens, frames: heard } = wholeSegments(written, firstTime, frames - at);
    const steps = Math.floor(at / framesPerStep);
    const latest = firstTime + mostSteps;
    for (const token of tokens) {
      all.push(token >= firstTime ? Math.min(token + steps, latest) : token);
    }
    at += heard;
  }
  return all;
}
