import fs from 'node:fs';
import path from 'node:path';
import { limits } from '../../../protocol/limits.ts';
import { type Manifest, type ManifestFile, parseManifest } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import { fetchAll } from '../../download/fetch-all.ts';
import { writeManifest } from '../../package/manifest-file.ts';
import { filepathAnnotation, manifestAnnotation } from '../../package/modelpack.ts';
import { NameGuard } from '../../package/names.ts';
import { arrivedName, manifestName, signatureName } from '../../store/layout.ts';
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
  let known: string | null = null;
  const text = async () => {
    const layer = layers.find((candidate) => candidate.digest === digest);
    if (layer === undefined)
      throw new AxonError('INVALID_PACKAGE', `${label} lacks its ${manifestName}.`);
    known ??= await read(layer, manifestName, limits.manifestBytes);
    return known;
  };
  const signature = async () => {
    const isIt = ({ annotations }: Descriptor) => annotations[filepathAnnotation] === signatureName;
    const layer = layers.find(isIt);
    return layer === undefined ? null : read(layer, signatureName, limits.signatureBytes);
  };
  return {
    kind: 'package',
    pin,
    isProven: true,
    manifest: text,
    async unpack(into, work, stored) {
      const yaml = await text();
      const manifest = parseManifest(yaml, `${label}: ${manifestName}`);
      const wanted: ReturnType<typeof layersOf> = [];
      for (const [file, layer] of layersOf(manifest, layers, label))
        if (!(await stored?.(file, path.join(into, file.path)))) wanted.push([file, layer]);
      const parts = path.join(work, arrivedName);
      await session.authorized(() =>
        fetchAll(
          wanted.map(([{ path: name }, layer]) =>
            blobRequest(session, layer, path.join(parts, name), name),
          ),
          session.context.download,
        ),
      );
      for (const [{ path: name }] of wanted) {
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
): (readonly [ManifestFile, Descriptor])[] {
  const guard = new NameGuard(label);
  return manifest.spec.format.files.map((file) => {
    guard.add(file.path, file.size);
    const layer = layers.find(({ annotations }) => annotations[filepathAnnotation] === file.path);
    if (layer?.digest === `sha256:${file.sha256}` && layer.size === file.size)
      return [file, layer] as const;
    throw new AxonError(
      'INVALID_PACKAGE',
      `${label}: the layers do not hold ${JSON.stringify(file.path)} as ${manifestName} states it. Nothing was installed.`,
    );
  });
}
