import path from 'node:path';
import { parseManifest } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { hashFile } from '../../download/fetch-file.ts';
import { requireOk } from '../../download/fetch-json.ts';
import { withRetries } from '../../download/retry.ts';
import { readSignature } from '../../package/manifest-file.ts';
import { modelPack } from '../../package/modelpack.ts';
import { fetchManifest, mediaTypes } from './manifest.ts';
import { openRepository } from './oci-hub.ts';
import { digestPattern, parseOciReference } from './reference.ts';
import type { RegistrySession } from './session.ts';
import { pushBlob, requireDigest, send, uploadOfBytes, uploadOfFile } from './upload.ts';

export interface PushResult {
  readonly reference: string;
  /** Of the artifact's manifest: installs of `@<digest>` get exactly this. */
  readonly digest: string;
  readonly sent: number;
  readonly already_there: number;
  readonly bytes: number;
}

/*
 * 1. Every file is hashed before the first byte leaves: a damaged package is not spread.
 * 2. Blobs first, the manifest last: the tag never names something incomplete.
 * 3. What the registry says it stored must have our digest, and the tag is read back.
 */
export async function pushPackage(
  dir: string,
  manifestYaml: string,
  target: string,
  context: Context,
): Promise<PushResult> {
  const place = parseOciReference(target);
  if (digestPattern.test(place.reference))
    throw new AxonError(
      'INVALID_SPEC',
      'A package is pushed to a tag; its digest comes of itself.',
    );
  const pack = modelPack(manifestYaml, readSignature(dir));
  await requireWhole(dir, manifestYaml, context); // Rule 1
  const session = openRepository(place, 'pull,push', context);
  const blobs = [
    ...pack.files.map(({ path: name, digest }) =>
      uploadOfFile(name, path.join(dir, ...name.split('/')), digest),
    ),
    ...pack.texts.map(({ path: name, digest, text }) =>
      uploadOfBytes(name, Buffer.from(text), digest),
    ),
    uploadOfBytes('config', pack.config, pack.configDigest),
  ];
  const { progress } = context.download;
  progress.plan(blobs.map(({ size }) => size));
  let sent = 0;
  let bytes = 0;
  for (const blob of blobs) {
    if (!(await pushBlob(session, blob))) continue;
    sent += 1;
    bytes += blob.size;
  }
  await putManifest(session, place.reference, pack.artifact, pack.digest); // Rule 2
  const stored = await fetchManifest(session, place.reference); // Rule 3
  if (stored.digest !== pack.digest)
    throw new AxonError(
      'BAD_RESPONSE',
      `${place.registry} answers ${stored.digest} for the tag that was pushed as ${pack.digest}. Somebody else may have pushed meanwhile.`,
    );
  return {
    reference: `${place.registry}/${place.repository}:${place.reference}`,
    digest: pack.digest,
    sent,
    already_there: blobs.length - sent,
    bytes,
  };
}

async function requireWhole(dir: string, manifestYaml: string, { signal }: Context): Promise<void> {
  for (const file of parseManifest(manifestYaml).spec.format.files) {
    const { sha256 } = await hashFile(path.join(dir, ...file.path.split('/')), null, signal);
    if (sha256 !== file.sha256)
      throw new AxonError(
        'VERIFY_FAILED',
        `${file.path} is damaged; nothing was pushed. \`axon verify\` says what brings the model again.`,
      );
  }
}

function putManifest(
  session: RegistrySession,
  tag: string,
  artifact: Buffer,
  digest: string,
): Promise<void> {
  const { body, label } = { body: uploadOfBytes('manifest', artifact, digest), label: 'manifest' };
  return session.authorized(() =>
    withRetries(session.context.download, async () => {
      const response = await send(session, {
        method: 'PUT',
        url: new URL(`${session.base}manifests/${tag}`),
        headers: {
          'content-type': mediaTypes.manifest,
          'content-length': String(artifact.length),
        },
        body: () => body.read(0, artifact.length),
      });
      await requireOk(response, session.statusError);
      response.body.resume();
      requireDigest(response, digest, label);
    }),
  );
}
