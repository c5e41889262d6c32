import type { EngineOptionsWire } from '../../protocol/methods/engine-options.ts';
import type { ModelInfoWire } from '../../protocol/methods/model-info.ts';

type Measures = ModelInfoWire['measures'];

/** `priority=high max_batch=8`, as `--engine` takes them. */
export function engineText(options: EngineOptionsWire): string {
  const pairs = Object.entries(options).map(
    ([name, value]) => `${name}=${Array.isArray(value) ? value.join(',') : value}`,
  );
  return pairs.length === 0 ? 'as configured' : pairs.join(' ');
}

/** A line for each measure: what was asked of the kernel, and what came of it. */
export function measureLines(measures: Measures): readonly string[] {
  return measures.map(({ name, outcome, detail }, index) => {
    const label = index === 0 ? 'kernel' : '';
    return `${label.padEnd(10)}${name} ${outcome}${detail === '' ? '' : `: ${detail}`}`;
  });
}

/** In one cell: what holds, then what does not. */
export function measuresText(measures: Measures): string {
  const names = (isApplied: boolean) =>
    measures
      .filter(({ outcome }) => outcome !== 'not needed' && (outcome === 'applied') === isApplied)
      .map(({ name }) => name);
  const [applied, missing] = [names(true), names(false)];
  const parts = [
    ...(applied.length === 0 ? [] : [applied.join(' ')]),
    ...(missing.length === 0 ? [] : [`without ${missing.join(' ')}`]),
  ];
  return parts.join(', ') || '–';
}
