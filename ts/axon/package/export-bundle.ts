import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import { hashFile } from '../download/fetch-file.ts';
import { requireSpace } from '../store/space.ts';
import type { PackageFolder } from './manifest-file.ts';
import { modelPack, refNameAnnotation, types } from './modelpack.ts';
import { type AddMember, writeTar } from './pack-archive.ts';

/*
 * Several packages as one OCI image layout, each a ModelPack artifact. Blobs are named by their sha256, so
 * what packages share is there once, and any tool that reads layouts can bring them to a registry. As a
 * folder or as one tar of it; the same packages give the same bytes.
 */
interface Blob {
  readonly digest: string;
  readonly size: number;
  readonly from: { readonly bytes: Buffer } | { readonly file: string; readonly path: string };
}

export interface ExportResult {
  readonly models: readonly { readonly id: string; readonly digest: string }[];
  readonly blobs: number;
  readonly bytes: number;
}

export async function exportBundle(
  folders: readonly PackageFolder[],
  out: string,
  options: { readonly asFolder: boolean; readonly signal: AbortSignal },
): Promise<ExportResult> {
  const { index, blobs, models } = contentsOf(folders);
  const bytes = blobs.reduce((sum, blob) => sum + blob.size, 0);
  requireSpace(path.dirname(out), bytes);
  const fill = async (add: AddMember) => {
    add.bytes('oci-layout', '{"imageLayoutVersion":"1.0.0"}');
    add.bytes('index.json', index);
    for (const { digest, size, from } of blobs) {
      const name = `blobs/sha256/${digest.slice('sha256:'.length)}`;
      const sha256 = digest.slice('sha256:'.length);
      if ('bytes' in from) add.bytes(name, from.bytes);
      else await add.file(name, from.file, { path: from.path, size, sha256 });
    }
  };
  const draft = `${out}.${process.pid}.new`;
  try {
    if (options.asFolder) await fillFolder(draft, fill, options.signal);
    else await writeTar(draft, fill, options.signal);
    fs.renameSync(draft, out);
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
  return { models, blobs: blobs.length, bytes };
}

function contentsOf(folders: readonly PackageFolder[]) {
  const small = new Map<string, Blob>();
  const large = new Map<string, Blob>();
  const put = (digest: string, bytes: Buffer) =>
    small.set(digest, { digest, size: bytes.length, from: { bytes } });
  const models: { id: string; digest: string; size: number }[] = [];
  for (const { dir, manifest, text, signature } of folders) {
    const pack = modelPack(text, signature);
    put(pack.digest, pack.artifact);
    put(pack.configDigest, pack.config);
    for (const { digest, text: content } of pack.texts) put(digest, Buffer.from(content));
    for (const { path: name, sha256, size } of manifest.spec.format.files) {
      const file = path.join(dir, ...name.split('/'));
      large.set(sha256, { digest: `sha256:${sha256}`, size, from: { file, path: name } });
    }
    const id = formatModelId(manifest.metadata);
    models.push({ id, digest: pack.digest, size: pack.artifact.length });
  }
  models.sort((a, b) => (a.id < b.id ? -1 : 1));
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: types.index,
    manifests: models.map(({ id, digest, size }) => ({
      mediaType: types.manifest,
      artifactType: types.artifact,
      digest,
      size,
      annotations: { [refNameAnnotation]: id },
    })),
  });
  // What says what the rest is comes first; then contents, in the order of their names.
  const byDigest = (a: Blob, b: Blob) => (a.digest < b.digest ? -1 : 1);
  const blobs = [...[...small.values()].sort(byDigest), ...[...large.values()].sort(byDigest)];
  return { index, blobs: unique(blobs), models };
}

function unique(blobs: readonly Blob[]): readonly Blob[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

/** The same members as files of a folder, each checked after it was copied. */
async function fillFolder(
  dir: string,
  fill: (add: AddMember) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  fs.mkdirSync(path.join(dir, 'blobs/sha256'), { recursive: true });
  await fill({
    bytes: (name, bytes) => fs.writeFileSync(path.join(dir, name), bytes),
    async file(name, file, expected) {
      const target = path.join(dir, name);
      await pipeline(fs.createReadStream(file), fs.createWriteStream(target), { signal });
      const { sha256 } = await hashFile(target, null, signal);
      if (sha256 !== expected.sha256)
        throw new AxonError(
          'VERIFY_FAILED',
          `${expected.path} is damaged; nothing was exported. \`axon verify\` says what brings the model again.`,
        );
    },
  });
}
