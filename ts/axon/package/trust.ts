import { fitsCarriedKey, parseSignature, requireSigned } from '../../protocol/signature.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { trustedKeys } from './keys.ts';
import { readSignature } from './manifest-file.ts';

/**
 * What a trusted key has signed is replaced by what a trusted key has signed: else whoever takes a signature
 * away, or makes another package of the name, would be believed. Throws SIGNATURE_INVALID.
 */
export function refuseUnsigned(
  id: string,
  [before, next]: readonly [string, string],
  context: Pick<Context, 'settings' | 'cwd'>,
): void {
  const keys = trustedKeys(context);
  const isTrusted = (dir: string) => {
    const signature = readSignature(dir);
    if (signature === null) return false;
    const { key_id } = parseSignature(signature, `The signature in ${dir}`);
    return keys.some(({ id: key }) => key === key_id);
  };
  if (keys.length === 0 || !isTrusted(before) || isTrusted(next)) return;
  throw new AxonError(
    'SIGNATURE_INVALID',
    `${id} is installed with the signature of a trusted key, and what would replace it has none. Where that is meant: axon uninstall ${id} first.`,
  );
}

/**
 * What a package's signature is worth here: the id of the trusted key that made it, or null where it is not
 * signed or nobody trusted signed it. Throws SIGNATURE_INVALID where a signature is known to be wrong.
 */
export function trustOf(
  name: string,
  text: string,
  signature: string | null,
  context: Pick<Context, 'settings' | 'cwd' | 'output'>,
): string | null {
  const keys = trustedKeys(context);
  if (signature === null) {
    if (keys.length > 0)
      context.output.note(`${name} is not signed, so security.trusted_keys says nothing of it.`);
    return null;
  }
  const { key_id } = parseSignature(signature, `The signature of ${name}`);
  if (keys.some(({ id }) => id === key_id)) return requireSigned(text, signature, keys, name).id;
  context.output.note(
    fitsCarriedKey(text, signature, name)
      ? `${name} is as the key ${key_id} signed it, which is not trusted here (security.trusted_keys).`
      : `${name} says that the key ${key_id} signed it. Nothing here checks that: it takes that key, by --key of \`axon verify\` or security.trusted_keys.`,
  );
  return null;
}
