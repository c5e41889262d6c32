import { didYouMean } from '../../../protocol/nearest.ts';
import { AxonError } from '../../axon-error.ts';
import { nameAndVersion } from '../typed-name.ts';

/** Which model; framework and variation are null where the only one is meant. */
export interface KaggleSpec {
  readonly owner: string;
  readonly model: string;
  readonly framework: string | null;
  readonly variation: string | null;
  /** Null for the newest. */
  readonly version: number | null;
}

/** As Kaggle spells them; it takes any case. */
export const frameworks: readonly string[] = [
  'tensorFlow1',
  'tensorFlow2',
  'tfLite',
  'tfJs',
  'pyTorch',
  'keras',
  'jax',
  'flax',
  'onnx',
  'gguf',
  'ggml',
  'gemmaCpp',
  'transformers',
  'scikitLearn',
  'maxText',
  'pax',
  'tensorRtLlm',
  'triton',
  'coral',
  'mxNet',
  'api',
  'other',
];

/** The framework's own spelling; hubs write `TensorFlow2`, `tensorflow2` and `TENSOR_FLOW_2`. */
export function frameworkName(text: string): string | null {
  const plain = text
    .replace(/^model_framework_/i, '')
    .replace(/[^A-Za-z0-9]/g, '')
    .toLowerCase();
  return frameworks.find((name) => name.toLowerCase() === plain) ?? null;
}

const slugPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;

/** `<owner>/<model>[/<framework>/<variation>[/<N>]][@<N>]`. */
export function parseKaggleSpec(text: string): KaggleSpec {
  const { name, version: asked } = nameAndVersion(text);
  const [owner = '', model = '', framework, variation, last, ...more] = name.split('/');
  const slugs = [owner, model, ...(framework === undefined ? [] : [framework, variation ?? ''])];
  if (more.length > 0 || !slugs.every((slug) => slugPattern.test(slug)))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(name)} is no model of Kaggle; write kaggle/<owner>/<model>/<framework>/<variation>.`,
    );
  const known = framework === undefined ? null : frameworkName(framework);
  if (framework !== undefined && known === null)
    throw new AxonError(
      'INVALID_SPEC',
      `Kaggle has no framework ${JSON.stringify(framework)}.${didYouMean(framework, frameworks)} It has: ${frameworks.join(', ')}.`,
    );
  return {
    owner,
    model,
    framework: known,
    variation: variation ?? null,
    version: oneVersion(last, asked, `kaggle/${name}`),
  };
}

/** A number at the end is the version; `@latest` adds nothing to it, and another number is a contradiction. */
export function oneVersion(last: string | undefined, asked: string, what: string): number | null {
  const inside = last === undefined ? null : versionNumber(last);
  const behind = asked === 'latest' ? null : versionNumber(asked);
  if (inside !== null && behind !== null && inside !== behind)
    throw new AxonError(
      'INVALID_SPEC',
      `${what} names version ${inside} and @${behind}; leave one of them out.`,
    );
  return inside ?? behind;
}

function versionNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new AxonError(
    'INVALID_SPEC',
    `${JSON.stringify(text)} is not a version; write a whole number such as 2, or latest.`,
  );
}
