import { AxonError } from '../../axon-error.ts';
import { nameAndVersion } from '../typed-name.ts';

/** `name`, `@scope/name`, each with `@version` or `@tag`; ranges name no one thing and are refused. */
export interface NpmSpec {
  readonly name: string;
  readonly version: string;
}

const namePattern = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;

export function parseNpmSpec(text: string): NpmSpec {
  const { name, version } = nameAndVersion(text);
  if (name.length > 214 || !namePattern.test(name))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(name)} is not an npm package name; write npm/<name>@<version> or npm/@<scope>/<name>@<version>.`,
    );
  if (!versionPattern.test(version))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(version)} is not an exact version or a tag of ${name}; ranges are not taken.`,
    );
  return { name, version };
}
