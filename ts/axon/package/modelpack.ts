import { createHash } from 'node:crypto';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { formatOf } from '../formats/file-kinds.ts';
import { manifestName, signatureName } from '../store/layout.ts';

/*
 * A package as a ModelPack artifact (github.com/modelpack/model-spec): one raw layer for each file and
 * one for manifest.yaml, so that any tool that knows the format gets the same folder. The same package
 * gives the same bytes, hence the same digest.
 */
export const filepathAnnotation = 'org.cncf.model.filepath';
/** On the artifact: the digest of the layer that is manifest.yaml. Says that the artifact is a package of axon. */
export const manifestAnnotation = 'io.mlos.axon.manifest';

/** In an index: what the artifact is called there. */
export const refNameAnnotation = 'org.opencontainers.image.ref.name';

export const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  artifact: 'application/vnd.cncf.model.manifest.v1+json',
  config: 'application/vnd.cncf.model.config.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  weight: 'application/vnd.cncf.model.weight.v1.raw',
  weightConfig: 'application/vnd.cncf.model.weight.config.v1.raw',
  doc: 'application/vnd.cncf.model.doc.v1.raw',
  code: 'application/vnd.cncf.model.code.v1.raw',
} as const;

export interface ModelPack {
  /** Bytes of the artifact's manifest, and their digest. */
  readonly artifact: Buffer;
  readonly digest: string;
  readonly config: Buffer;
  readonly configDigest: string;
  readonly manifestDigest: string;
  /** manifest.yaml, and its signature where there is one. */
  readonly texts: readonly {
    readonly path: string;
    readonly digest: string;
    readonly text: string;
  }[];
  readonly files: readonly { readonly path: string; readonly digest: string }[];
}

/** What travels as it is: the manifest and, where the package is signed, the signature. */
export function modelPack(manifestYaml: string, signature: string | null): ModelPack {
  const manifest = parseManifest(manifestYaml);
  const manifestDigest = digestOf(Buffer.from(manifestYaml));
  const { files } = manifest.spec.format;
  const texts = [
    { path: manifestName, digest: manifestDigest, text: manifestYaml },
    ...(signature === null
      ? []
      : [{ path: signatureName, digest: digestOf(Buffer.from(signature)), text: signature }]),
  ];
  const layers = [
    ...files.map(({ path, sha256, size }) => layer(path, `sha256:${sha256}`, size)),
    ...texts.map(({ path, digest, text }) => layer(path, digest, Buffer.byteLength(text))),
  ];
  const config = json(
    configOf(
      manifest,
      layers.map(({ digest }) => digest),
    ),
  );
  const configDigest = digestOf(config);
  const artifact = json({
    schemaVersion: 2,
    mediaType: types.manifest,
    artifactType: types.artifact,
    config: { mediaType: types.config, digest: configDigest, size: config.length },
    layers,
    annotations: { [manifestAnnotation]: manifestDigest },
  });
  return {
    artifact,
    digest: digestOf(artifact),
    config,
    configDigest,
    manifestDigest,
    texts,
    files: files.map(({ path, sha256 }) => ({ path, digest: `sha256:${sha256}` })),
  };
}

function layer(path: string, digest: string, size: number) {
  const annotations = { [filepathAnnotation]: path, 'org.opencontainers.image.title': path };
  return { mediaType: layerType(path), digest, size, annotations };
}

function layerType(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (formatOf(path) !== null) return types.weight;
  if (name === signatureName) return types.doc;
  if (/\.py$/.test(name)) return types.code;
  if (/\.md$|^(LICEN[CS]E|NOTICE|USE_POLICY|COPYING)/i.test(name)) return types.doc;
  return /\.(json|ya?ml|txt|jinja|model|tiktoken|spm)$/.test(name)
    ? types.weightConfig
    : types.weight;
}

/** Only what the manifest states; the format has no word for "unknown". */
function configOf({ metadata, spec, distribution }: Manifest, diffIds: readonly string[]): object {
  const { name, namespace, version, description, homepage, license } = metadata;
  const revision = distribution?.source?.revision;
  return {
    descriptor: {
      name: `${namespace}/${name}`,
      version,
      ...(description === undefined ? {} : { description }),
      ...(homepage === undefined ? {} : { docURL: homepage }),
      ...(revision === undefined ? {} : { revision }),
      ...(license === undefined || license === 'unknown' ? {} : { licenses: [license] }),
    },
    config: { format: spec.format.type },
    modelfs: { type: 'layers', diffIds },
  };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
