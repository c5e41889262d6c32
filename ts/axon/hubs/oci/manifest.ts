import { createHash } from 'node:crypto';
import { limits } from '../../../protocol/limits.ts';
import { AxonError } from '../../axon-error.ts';
import { header } from '../../download/http.ts';
import type { ExpectedHash } from '../../download/options.ts';
import { digestPattern } from './reference.ts';
import type { RegistrySession } from './session.ts';

/** Registries take manifests up to 4 MiB. */
const maxManifestBytes = 4 * 1024 * 1024;

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** `os/architecture`, where an index says it. */
  readonly platform: string | null;
}

export interface OciManifest {
  /** sha256 of the manifest's own bytes: the immutable name of all that it names. */
  readonly digest: string;
  readonly artifactType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function expectedOf({ digest }: Descriptor): ExpectedHash {
  return { algorithm: 'sha256', hex: digest.slice('sha256:'.length) };
}

/**
 * Gets what a tag or digest names. Of an index the one model in it, else the one for this platform; each
 * step down is asked for by digest, and all bytes are hashed.
 */
export async function fetchManifest(
  session: RegistrySession,
  reference: string,
): Promise<OciManifest> {
  let wanted = reference;
  for (let depth = 0; depth < 3; depth++) {
    const { document, digest } = await fetchDocument(session, wanted);
    if (Array.isArray(document['layers'])) return readManifest(document, digest, session);
    if (!Array.isArray(document['manifests'])) throw bad(session, 'is neither manifest nor index');
    const all = document['manifests'].map((entry) => readDescriptor(entry, session));
    wanted = chooseManifest(all, session.place.label).digest;
  }
  throw bad(session, 'is an index of indexes without end');
}

async function fetchDocument(session: RegistrySession, reference: string) {
  const { body, response } = await session.get(
    `manifests/${reference}`,
    Object.values(mediaTypes).join(', '),
    maxManifestBytes,
  );
  const digest = digestOf(body);
  const stated = header(response, 'docker-content-digest');
  const wrong = [stated, digestPattern.test(reference) ? reference : null].find(
    (name) => name?.startsWith('sha256:') && name !== digest,
  );
  if (wrong)
    throw new AxonError(
      'CHECKSUM_MISMATCH',
      `${session.place.label}: the manifest's bytes are ${digest}, stated is ${wrong}. Nothing was installed.`,
      { details: { expected: wrong, actual: digest } },
    );
  let document: unknown;
  try {
    document = JSON.parse(body.toString('utf8'));
  } catch {
    throw bad(session, 'is not JSON');
  }
  if (typeof document !== 'object' || document === null) throw bad(session, 'is not an object');
  return { document: document as Readonly<Record<string, unknown>>, digest };
}

function readManifest(
  document: Readonly<Record<string, unknown>>,
  digest: string,
  session: RegistrySession,
): OciManifest {
  const layers = document['layers'] as readonly unknown[];
  if (layers.length > limits.packageFiles)
    throw new AxonError(
      'UNSAFE_PACKAGE',
      `${session.place.label} has more than ${limits.packageFiles} layers.`,
    );
  const config = readDescriptor(document['config'], session);
  return {
    digest,
    artifactType: text(document['artifactType']) || config.mediaType,
    config,
    layers: layers.map((layer) => readDescriptor(layer, session)),
    annotations: texts(document['annotations']),
  };
}

function readDescriptor(value: unknown, session: RegistrySession): Descriptor {
  const { mediaType, digest, size, annotations, artifactType, platform } = (value ?? {}) as Record<
    string,
    unknown
  >;
  if (typeof mediaType !== 'string' || !Number.isSafeInteger(size) || (size as number) < 0)
    throw bad(session, 'has a descriptor without media type or size');
  if (typeof digest !== 'string' || !digestPattern.test(digest))
    throw bad(session, `names ${JSON.stringify(digest)}, which is no sha256 digest`);
  const { os, architecture } = (platform ?? {}) as Record<string, unknown>;
  return {
    mediaType,
    digest,
    size: size as number,
    artifactType: text(artifactType),
    annotations: texts(annotations),
    platform: typeof os === 'string' ? `${os}/${text(architecture)}` : null,
  };
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');

function texts(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** A model artifact before an image, this platform before none; two that fit are the user's to choose. */
export function chooseManifest(all: readonly Descriptor[], label: string): Descriptor {
  const here = `linux/${architectures[process.arch] ?? process.arch}`;
  const steps = [
    all.filter(({ artifactType }) => /model/i.test(artifactType)),
    all.filter(({ platform }) => platform === here),
    all.filter(({ platform }) => platform === null || platform.startsWith('unknown')),
    all,
  ];
  const fitting = steps.find((step) => step.length > 0) ?? [];
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  if (only === undefined)
    throw new AxonError('NO_MODEL', `${label} is an index with nothing in it.`);
  const names = fitting.map(({ digest, platform }) => `${digest} (${platform ?? 'any platform'})`);
  throw new AxonError(
    'AMBIGUOUS',
    `${label} is an index of several: ${names.slice(0, 10).join(', ')}. Choose one with @sha256:….`,
    { details: { candidates: names.slice(0, 100) } },
  );
}

function bad(session: RegistrySession, why: string): AxonError {
  return new AxonError(
    'BAD_RESPONSE',
    `${session.place.origin}: the manifest of ${session.place.label} ${why}.`,
  );
}
