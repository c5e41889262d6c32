import { AxonError } from '../../axon-error.ts';
import { nameAndVersion } from '../typed-name.ts';

/** `name` or `name@version`; the name in the one spelling that indexes use. */
export interface PypiSpec {
  readonly name: string;
  /** As the user wrote it; `latest` is the newest release. */
  readonly version: string;
}

const namePattern = /^([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])$/i;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9.!+_-]*$/;

export function normalName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

export function parsePypiSpec(text: string): PypiSpec {
  const { name, version } = nameAndVersion(text);
  if (name.length > 200 || !namePattern.test(name))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(name)} is not the name of a Python package; write pypi/<name>@<version>.`,
    );
  if (version.length > 100 || !versionPattern.test(version))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(version)} is not an exact version of ${name}; ranges are not taken.`,
    );
  return { name: normalName(name), version };
}
