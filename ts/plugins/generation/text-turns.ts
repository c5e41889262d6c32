import { limits } from '../../protocol/limits.ts';
import { Turns } from '../turns.ts';

/** Texts of one model: so many are written at once, and so many wait. */
export function textTurns(modelId: string, atOnce: number = limits.generationsAtOnce): Turns {
  return new Turns({
    atOnce,
    waiting: limits.generationsUnderWay - atOnce,
    what: `${modelId} writes`,
  });
}
