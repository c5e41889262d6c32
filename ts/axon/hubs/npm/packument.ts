import { nearest } from '../../../protocol/nearest.ts';
import { AxonError } from '../../axon-error.ts';
import { fetchJson } from '../../download/fetch-json.ts';
import type { Credential } from '../../download/follow.ts';
import type { DownloadOptions, ExpectedHash, HashAlgorithm } from '../../download/options.ts';
import { httpStatusError } from '../status-error.ts';
import type { NpmSpec } from './npm-spec.ts';

/** One published version: exact number, tarball address and the hash that the registry states. */
export interface NpmVersion {
  readonly version: string;
  readonly tarball: string;
  readonly integrity: ExpectedHash;
}

type Dict = Readonly<Record<string, unknown>>;

function dict(value: unknown): Dict {
  return typeof value === 'object' && value !== null ? (value as Dict) : {};
}

function own(value: unknown, key: string): unknown {
  const object = dict(value);
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The strongest hash of an `integrity` text, as subresource integrity writes it. */
export function parseIntegrity(text: string): ExpectedHash | null {
  for (const algorithm of ['sha512', 'sha384', 'sha256'] as const satisfies HashAlgorithm[]) {
    for (const part of text.split(/\s+/)) {
      const [name, rest = ''] = part.split('-', 2);
      if (name !== algorithm) continue;
      const hex = Buffer.from(rest.split('?')[0] ?? '', 'base64').toString('hex');
      if (hex.length === Number(algorithm.slice(3)) / 4) return { algorithm, hex };
    }
  }
  return null;
}

/** Asks the registry which version the spec is, and what its tarball must hash to. */
export async function resolveVersion(
  spec: NpmSpec,
  registry: string,
  credential: Credential | null,
  options: DownloadOptions,
): Promise<NpmVersion> {
  const { value } = await fetchJson(
    {
      url: `${registry}${spec.name.replace('/', '%2f')}`,
      // The short form: versions with their hashes, without every version's readme.
      headers: { accept: 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8' },
      credential,
      statusError: httpStatusError(`npm package ${spec.name}`),
    },
    options,
  );
  const versions = dict(own(value, 'versions'));
  const tag = own(own(value, 'dist-tags'), spec.version);
  const version = typeof tag === 'string' ? tag : spec.version;
  const dist = own(own(versions, version), 'dist');
  const tarball = own(dist, 'tarball');
  if (typeof tarball !== 'string') throw unknownVersion(spec, Object.keys(versions));
  const integrity = parseIntegrity(String(own(dist, 'integrity') ?? ''));
  if (integrity === null)
    throw new AxonError(
      'BAD_RESPONSE',
      `The registry states no sha512 for ${spec.name}@${version}, so its bytes cannot be checked. Choose a newer version.`,
    );
  return { version, tarball, integrity };
}

function unknownVersion(spec: NpmSpec, versions: readonly string[]): AxonError {
  const near = nearest(spec.version, versions);
  const hint = near === null ? '' : ` Did you mean ${near}?`;
  return new AxonError(
    'NOT_FOUND',
    `The npm package ${spec.name} has no version or tag ${spec.version}.${hint} The newest are ${versions.slice(-3).join(', ') || 'none'}.`,
  );
}
