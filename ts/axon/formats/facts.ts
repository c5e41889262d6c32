import type { Manifest } from '../../protocol/manifest.ts';
import type { IoSchema } from './io-schema.ts';

type Spec = Manifest['spec'];

/** What the files of a model say themselves. What they do not say is not here. */
export interface ModelFacts {
  readonly framework?: Spec['framework'];
  readonly format?: Partial<Spec['format']>;
  readonly io?: IoSchema | null;
  readonly model?: NonNullable<Spec['model']>;
  readonly license?: string;
}

/** Elements by dtype as the manifest lists them; sums beyond what a number holds are left out. */
export function countsOf(dtypes: ReadonlyMap<string, number>): NonNullable<Spec['model']> {
  const parameters = [...dtypes.values()].reduce((sum, count) => sum + count, 0);
  if (dtypes.size === 0 || dtypes.size > 32 || !Number.isSafeInteger(parameters)) return {};
  return { parameters, dtypes: Object.fromEntries(dtypes) };
}

export function stated(text: unknown, most = 200): string | null {
  return typeof text === 'string' && text !== '' && text.length <= most ? text : null;
}
