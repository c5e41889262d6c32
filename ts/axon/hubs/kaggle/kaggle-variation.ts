import { AxonError } from '../../axon-error.ts';
import type { Description } from '../hub.ts';
import type { Dict } from '../stated.ts';
import { describeVariation } from './describe-variation.ts';
import type { KaggleApi } from './kaggle-api.ts';
import { frameworkName, type KaggleSpec } from './kaggle-spec.ts';

/** One version of one variation: what can be downloaded. */
export interface Variation {
  /** `<owner>/<model>/<framework>/<variation>/<N>`. */
  readonly path: string;
  readonly version: number;
  readonly description: Description;
}

interface Instance {
  readonly framework?: unknown;
  readonly slug?: unknown;
}

export async function findVariation(spec: KaggleSpec, api: KaggleApi): Promise<Variation> {
  const page = `${spec.owner}/${spec.model}`;
  const model = await askPage(page, api);
  const { framework, variation } = only(spec, page, model);
  const stem = `${page}/${framework}/${variation}`;
  const about = await api.ask(`${stem}/get`, stem, page);
  const newest = about['versionNumber'];
  if (!Number.isSafeInteger(newest) || Number(newest) < 1)
    throw new AxonError(
      'BAD_RESPONSE',
      `Kaggle did not say which version of ${stem} is the newest.`,
    );
  const version = spec.version ?? Number(newest);
  if (version > Number(newest))
    throw new AxonError('NOT_FOUND', `${stem} has no version ${version}; the newest is ${newest}.`);
  const description = describeVariation(
    about,
    model instanceof AxonError ? {} : model,
    framework,
    page,
  );
  return { path: `${stem}/${version}`, version, description };
}

/** The page that the variations are on, or why it is not shown: one of them may be all the same. */
async function askPage(page: string, api: KaggleApi): Promise<Dict | AxonError> {
  try {
    return await api.ask(`${page}/get`, page, page);
  } catch (error) {
    const isHidden =
      error instanceof AxonError && (error.code === 'NOT_FOUND' || error.code === 'ACCESS_DENIED');
    if (isHidden) return error;
    throw error;
  }
}

function only(
  { framework, variation }: KaggleSpec,
  page: string,
  model: Dict | AxonError,
): { framework: string; variation: string } {
  if (framework !== null && variation !== null) return { framework, variation };
  if (model instanceof AxonError) throw model;
  const found = instancesOf(model['instances']);
  const [one] = found;
  if (one !== undefined && found.length === 1) return one;
  if (one === undefined) throw new AxonError('NO_MODEL', `${page} has no files on Kaggle.`);
  const names = found.map((each) => `kaggle/${page}/${each.framework}/${each.variation}`);
  throw new AxonError(
    'AMBIGUOUS',
    `${page} comes in ${found.length} variations; name one: ${names.slice(0, 20).join(', ')}.`,
    { details: { candidates: names.slice(0, 100) } },
  );
}

export function instancesOf(value: unknown): { framework: string; variation: string }[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly (Instance | null)[]).flatMap((instance) => {
    const framework = frameworkName(String(instance?.framework ?? ''));
    const { slug } = instance ?? {};
    return framework === null || typeof slug !== 'string' || !/^[\w.-]{1,100}$/.test(slug)
      ? []
      : [{ framework, variation: slug }];
  });
}
