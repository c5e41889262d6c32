import fs from 'node:fs';
import path from 'node:path';
import { limits } from '../../protocol/limits.ts';
import { parseManifest } from '../../protocol/manifest.ts';
import type { ModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { PackageSource } from '../hubs/hub.ts';
import { manifestName, signatureName } from '../store/layout.ts';
import { requireSpace } from '../store/space.ts';
import { type BundleFiles, readAll } from './bundle-files.ts';
import { writeManifest } from './manifest-file.ts';
import { filepathAnnotation, manifestAnnotation } from './modelpack.ts';
import { NameGuard } from './names.ts';
import { writeNewFile } from './write-file.ts';

const maxIndexBytes = 4 * 1024 * 1024;

/** A package in a bundle, not yet unpacked. */
export interface BundledModel {
  readonly id: ModelId;
  readonly source: PackageSource;
}

interface Descriptor {
  readonly digest: string;
  readonly annotations: Readonly<Record<string, unknown>>;
}

/** The models of a bundle. Every blob that is read must be what its digest says. */
export async function bundledModels(files: BundleFiles, label: string): Promise<BundledModel[]> {
  const index = json(await readAll(files, 'index.json', maxIndexBytes, label), label);
  const models: BundledModel[] = [];
  for (const { digest } of descriptors(index, 'manifests', label))
    models.push(await bundledModel(files, digest, label));
  if (models.length === 0) throw invalid(label, 'it holds no model');
  return models;
}

async function bundledModel(
  files: BundleFiles,
  artifact: string,
  label: string,
): Promise<BundledModel> {
  const read = async (digest: string, most: number) => {
    const bytes = await readAll(files, blobName(digest, label), most, label, digest);
    return bytes.toString('utf8');
  };
  const value = json(Buffer.from(await read(artifact, maxIndexBytes)), label);
  const layers = descriptors(value, 'layers', label);
  const mark = (value as { annotations?: Record<string, unknown> }).annotations?.[
    manifestAnnotation
  ];
  if (typeof mark !== 'string')
    throw invalid(
      label,
      'axon did not export it; push it to a registry and install oci/… from there',
    );
  const text = await read(mark, limits.manifestBytes);
  const manifest = parseManifest(text, `${label}: ${manifestName}`);
  const signed = layers.find(
    ({ annotations }) => annotations[filepathAnnotation] === signatureName,
  );
  const signature = signed === undefined ? null : await read(signed.digest, limits.signatureBytes);
  const { namespace, name, version } = manifest.metadata;
  const id = { namespace, name, version };
  return {
    id,
    source: {
      kind: 'package',
      pin: { hub: 'file', id: label, revision: artifact, url: null },
      isProven: true,
      manifest: async () => text,
      async unpack(into) {
        const guard = new NameGuard(label);
        const { files: listed } = manifest.spec.format;
        for (const file of listed) guard.add(file.path, file.size);
        requireSpace(
          into,
          listed.reduce((sum, file) => sum + file.size, 0),
        );
        for (const file of listed) {
          const blob = await files.open(blobName(`sha256:${file.sha256}`, label));
          if (blob === null) throw invalid(label, `it lacks ${JSON.stringify(file.path)}`);
          const got = await writeNewFile(into, file.path, blob.body());
          if (got.sha256 === file.sha256 && got.size === file.size) continue;
          throw new AxonError(
            'CHECKSUM_MISMATCH',
            `${label}: ${JSON.stringify(file.path)} is not what the manifest states. Nothing was installed.`,
          );
        }
        writeManifest(into, text, signature);
        return { manifest, text };
      },
    },
  };
}

function blobName(digest: string, label: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined)
    throw invalid(label, `${JSON.stringify(digest.slice(0, 100))} is no digest`);
  return `blobs/sha256/${hex}`;
}

function json(bytes: Buffer, label: string): object {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw invalid(label, 'its index is not JSON', error);
  }
  throw invalid(label, 'its index is no object');
}

function descriptors(value: object, key: string, label: string): Descriptor[] {
  const list: unknown = (value as Record<string, unknown>)[key];
  if (!Array.isArray(list) || list.length > 2 * limits.packageFiles)
    throw invalid(label, `it has no list of ${key}`);
  return list.map((item: unknown) => {
    const { digest, annotations } = (item ?? {}) as Record<string, unknown>;
    if (typeof digest !== 'string') throw invalid(label, `an entry of ${key} has no digest`);
    const notes = typeof annotations === 'object' && annotations !== null ? annotations : {};
    return { digest, annotations: notes as Record<string, unknown> };
  });
}

export function invalid(label: string, why: string, cause?: unknown): AxonError {
  return new AxonError('INVALID_PACKAGE', `${label} is no bundle of models: ${why}.`, { cause });
}

/** Where a package folder is installed from: the files are copied, each checked. */
export function folderSource(dir: string, text: string, signature: string | null): PackageSource {
  const manifest = parseManifest(text, path.join(dir, manifestName));
  return {
    kind: 'package',
    pin: { hub: 'file', id: path.basename(dir), revision: null, url: null },
    isProven: true,
    manifest: async () => text,
    async unpack(into) {
      for (const file of manifest.spec.format.files) {
        const full = path.join(dir, ...file.path.split('/'));
        if (fs.lstatSync(full, { throwIfNoEntry: false })?.isFile() !== true)
          throw new AxonError('INVALID_PACKAGE', `${full} is missing, or is no regular file.`);
        const got = await writeNewFile(into, file.path, fs.createReadStream(full));
        if (got.sha256 !== file.sha256 || got.size !== file.size)
          throw new AxonError(
            'CHECKSUM_MISMATCH',
            `${full} is not what the manifest states. Nothing was installed.`,
          );
      }
      writeManifest(into, text, signature);
      return { manifest, text };
    },
  };
}
