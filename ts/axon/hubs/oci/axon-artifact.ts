import fs from 'node:fs';
import path from 'node:path';
import { limits } from '../../../protocol/limits.ts';
import { type Manifest, parseManifest } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import { fetchAll } from '../../download/fetch-all.ts';
import { writeManifest } from '../../package/manifest-file.ts';
import { filepathAnnotation, manifestAnnotation } from '../../package/modelpack.ts';
import { NameGuard } from '../../package/names.ts';
import { manifestName, signatureName } from '../../store/layout.ts';
import type { PackageSource, Pin } from '../hub.ts';
import { type Descriptor, digestOf, type OciManifest } from './manifest.ts';
import { blobRequest } from './oci-source.ts';
import type { RegistrySession } from './session.ts';

/** Whether the artifact is a package that axon pushed: it names the layer with its manifest.yaml. */
export function isAxonArtifact({ annotations }: OciManifest): boolean {
  return annotations[manifestAnnotation] !== undefined;
}

/** A package in a registry, one raw layer for each file. It comes back as it was pushed. */
export function axonArtifact(
  pin: Pin,
  session: RegistrySession,
  { layers, annotations }: OciManifest,
): PackageSource {
  const { label } = session.place;
  const digest = annotations[manifestAnnotation];
  const read = async (layer: Descriptor, name: string, most: number) => {
    if (layer.size > most)
      throw new AxonError('INVALID_PACKAGE', `${label}: ${name} has more than ${most} bytes.`);
    const { body } = await session.get(`blobs/${layer.digest}`, '*/*', most);
    if (digestOf(body) === layer.digest) return body.toString('utf8');
    throw new AxonError(
      'CHECKSUM_MISMATCH',
      `${label}: ${name} is not what its digest states. Nothing was installed.`,
    );
  };
  const text = async () => {
    const layer = layers.find((candidate) => candidate.digest === digest);
    if (layer === undefined)
      throw new AxonError('INVALID_PACKAGE', `${label} lacks its ${manifestName}.`);
    return read(layer, manifestName, limits.manifestBytes);
  };
  const signature = async () => {
    const isIt = ({ annotations }: Descriptor) => annotations[filepathAnnotation] === signatureName;
    const layer = layers.find(isIt);
    return layer === undefined ? null : read(layer, signatureName, limits.signatureBytes);
  };
  return {
    kind: 'package',
    pin,
    manifest: text,
    async unpack(into, work) {
      const yaml = await text();
      const manifest = parseManifest(yaml, `${label}: ${manifestName}`);
      const wanted = layersOf(manifest, layers, label);
      const parts = path.join(work, 'files');
      await session.authorized(() =>
        fetchAll(
          wanted.map(([name, layer]) => blobRequest(session, layer, path.join(parts, name), name)),
          session.context.download,
        ),
      );
      for (const [name] of wanted) {
        const dest = path.join(into, name);
        fs.mkdirSync(path.dirname(dest), { recursive: true });
        fs.renameSync(path.join(parts, name), dest);
      }
      writeManifest(into, yaml, await signature());
      return { manifest, text: yaml };
    },
  };
}

/** The layer of each file: the one of its name, with the very hash that the manifest states. */
function layersOf(
  manifest: Manifest,
  layers: readonly Descriptor[],
  label: string,
): (readonly [string, Descriptor])[] {
  const guard = new NameGuard(label);
  return manifest.spec.format.files.map((file) => {
    guard.add(file.path, file.size);
    const layer = layers.find(({ annotations }) => annotations[filepathAnnotation] === file.path);
    if (layer?.digest === `sha256:${file.sha256}` && layer.size === file.size)
      return [file.path, layer] as const;
    throw new AxonError(
      'INVALID_PACKAGE',
      `${label}: the layers do not hold ${JSON.stringify(file.path)} as ${manifestName} states it. Nothing was installed.`,
    );
  });
}
