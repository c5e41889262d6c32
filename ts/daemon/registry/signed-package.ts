import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { readTextFile } from '../plugin/regular-file.ts';
import type { TrustedKeys } from '../security/trusted-keys.ts';
import { fileError } from './package-files.ts';

/*
 * A signature is about the text of manifest.yaml; that holds the hash of every file and the model's id.
 * Both have to be what is registered, or a trusted model's signature would serve for another.
 */
export async function assertSigned(
  { keys, id }: { readonly keys: TrustedKeys; readonly id: string },
  manifestPath: string,
  read: { readonly manifest: Manifest; readonly text: string } | null,
): Promise<void> {
  if (read === null) {
    throw new MlosError(
      'SIGNATURE_INVALID',
      `${manifestPath} does not exist, so nobody signed the model. This daemon takes signed packages only (security.require_signatures).`,
    );
  }
  assertSignedAs({ keys, id }, read, await readSignature(`${manifestPath}.sig`), manifestPath);
}

/** The same for texts that are not on disk yet. */
export function assertSignedAs(
  { keys, id }: { readonly keys: TrustedKeys; readonly id: string },
  { manifest, text }: { readonly manifest: Manifest; readonly text: string },
  signature: string | null,
  what: string,
): void {
  keys.require(text, signature, what);
  const signedId = formatModelId(manifest.metadata);
  if (signedId === id) return;
  throw new MlosError(
    'SIGNATURE_INVALID',
    `${what} was signed as ${signedId} and cannot be registered as ${id}.`,
    { details: { expected: signedId, received: id } },
  );
}

/** A model file that the signed manifest does not list is nobody's. */
export function assertListed(manifest: Manifest | null, file: string): void {
  if (manifest?.spec.format.files.some(({ path }) => path === file) === true) return;
  throw new MlosError(
    'SIGNATURE_INVALID',
    `${file} is not among the files that the signed manifest lists.`,
  );
}

async function readSignature(path: string): Promise<string | null> {
  try {
    const options = { code: 'INVALID_MANIFEST', maxBytes: limits.signatureBytes } as const;
    return await readTextFile(path, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fileError(error, path);
  }
}
