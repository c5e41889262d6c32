import { parseSignature, requireSigned } from '../../protocol/signature.ts';
import type { Context } from '../context.ts';
import { trustedKeys } from './keys.ts';

/**
 * What a package's signature is worth here: the id of the trusted key that made it, or null where it is not
 * signed or nobody trusted signed it. Throws SIGNATURE_INVALID where a trusted key's signature is wrong.
 */
export function trustOf(
  name: string,
  text: string,
  signature: string | null,
  context: Pick<Context, 'settings' | 'cwd' | 'output'>,
): string | null {
  if (signature === null) return null;
  const { key_id } = parseSignature(signature, `The signature of ${name}`);
  const keys = trustedKeys(context);
  if (keys.some(({ id }) => id === key_id)) return requireSigned(text, signature, keys, name).id;
  context.output.note(
    `${name} is signed with the key ${key_id}, which is not trusted here (security.trusted_keys).`,
  );
  return null;
}
