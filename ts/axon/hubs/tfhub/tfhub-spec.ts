import { AxonError } from '../../axon-error.ts';
import { oneVersion } from '../kaggle/kaggle-spec.ts';
import { nameAndVersion } from '../typed-name.ts';

export interface TfhubSpec {
  /** As typed, without `@`. */
  readonly name: string;
  /** `<publisher>/<path…>/<N>`; without a number the newest. */
  readonly handle: string;
}

const segmentPattern = /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}$/;

/** `<publisher>/<path…>[/<N>][@<N>]`: a number at the end of the path is the version. */
export function parseTfhubSpec(text: string): TfhubSpec {
  const { name, version: asked } = nameAndVersion(text);
  const parts = name.split('/');
  if (parts.length < 2 || parts.length > 10 || !parts.every((part) => segmentPattern.test(part)))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(name)} is no handle of TensorFlow Hub; write tfhub/<publisher>/<path>/<version>.`,
    );
  const last = parts.at(-1) ?? '';
  const inside = /^\d+$/.test(last) ? last : undefined;
  const version = oneVersion(inside, asked, `tfhub/${name}`);
  const stem = inside === undefined ? name : parts.slice(0, -1).join('/');
  return { name, handle: version === null ? stem : `${stem}/${version}` };
}
