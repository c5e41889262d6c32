import type { Context } from '../../context.ts';
import { isInside, nextUrl } from '../../download/redirect.ts';
import { ArchiveSource, belowTopFolder } from '../archive-source.ts';
import type { FileSource, Hub, HubSpec } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { httpStatusError } from '../status-error.ts';
import { NpmConfig } from './npm-config.ts';
import { searchNpm } from './npm-search.ts';
import { type NpmSpec, parseNpmSpec } from './npm-spec.ts';
import { describePackage } from './package-json.ts';
import { resolveVersion } from './packument.ts';

const maxTarballBytes = 16 * 1024 ** 3;

/** Models in npm packages. */
export const npmHub: Hub = {
  names: ['npm'],
  example: 'npm/<package>@<version>',
  parse(text, context): HubSpec {
    const spec = parseNpmSpec(text);
    const name = spec.name.replace(/^@/, '').split('/').map(idSegment).join('/');
    return {
      id: { namespace: 'npm', name, version: idSegment(spec.version) },
      origin: { hub: 'npm', id: spec.name },
      resolve: () => resolve(spec, context),
    };
  },
  search: searchNpm,
};

async function resolve(spec: NpmSpec, context: Context): Promise<FileSource> {
  const config = new NpmConfig(context);
  const registry = await config.registryFor(spec.name);
  const credential = config.credentialFor(registry);
  const { version, tarball, integrity } = await resolveVersion(
    spec,
    registry,
    credential,
    context.download,
  );
  const home = new URL(registry);
  const label = `${spec.name}@${version}`;
  return new ArchiveSource(
    {
      pin: { hub: 'npm', id: spec.name, revision: version, url: null },
      label,
      request: {
        url: nextUrl(home, tarball, isInside(home)).href,
        size: null,
        maxBytes: maxTarballBytes,
        expected: integrity,
        credential,
        statusError: httpStatusError(`tarball of ${label}`),
      },
      verifiedBy: 'npm-integrity',
      inner: belowTopFolder,
      describe: async (name, read) =>
        name === 'package.json' ? describePackage(await read(1024 * 1024)) : {},
    },
    context,
  );
}
