import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { MlosError } from './errors.ts';

/*
 * manifest.yaml.sig: who answers for a package. It is about the very bytes of manifest.yaml, and these hold
 * the sha256 of every file, so one signature covers all of it. Ed25519; JSON; beside the manifest in a
 * folder, behind it in an archive. The same is checked by openssl:
 *   openssl pkeyutl -verify -pubin -inkey key.pub.pem -rawin -in manifest.yaml -sigfile <base64-decoded>
 */
export interface Signature {
  readonly algorithm: 'ed25519';
  readonly key_id: string;
  /** Base64. */
  readonly signature: string;
  /** The key itself, base64 of its DER; absent of what earlier versions signed. It shows a change, and proves nobody. */
  readonly public_key?: string;
}

/** 44 bytes in base64. */
const publicKey = /^[A-Za-z0-9+/]{59}=$/;

export interface PublicKey {
  readonly id: string;
  readonly key: KeyObject;
}

function fail(message: string, cause?: unknown): never {
  throw new MlosError('SIGNATURE_INVALID', message, { cause });
}

const derOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' });

/** First 32 digits of the sha256 of the public key, as DER (SubjectPublicKeyInfo). */
function idOf(key: KeyObject): string {
  return createHash('sha256').update(derOf(key)).digest('hex').slice(0, 32);
}

/** A public key from PEM; of a private key its public half. Null for anything else. */
export function readPublicKey(pem: string): PublicKey | null {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    return null;
  }
  return key.asymmetricKeyType === 'ed25519' ? { id: idOf(key), key } : null;
}

/** The text of manifest.yaml.sig. The same key and manifest give the same text. */
export function signatureText(manifestYaml: string, privateKey: KeyObject): string {
  const key = createPublicKey(privateKey);
  const signature: Signature = {
    algorithm: 'ed25519',
    key_id: idOf(key),
    signature: sign(null, Buffer.from(manifestYaml), privateKey).toString('base64'),
    public_key: derOf(key).toString('base64'),
  };
  return `${JSON.stringify(signature, null, 2)}\n`;
}

/** Throws SIGNATURE_INVALID for what is no signature; says nothing about whether it is right. */
export function parseSignature(text: string, what: string): Signature {
  let value: Partial<Record<keyof Signature, unknown>> | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch (error) {
    return fail(`${what} is not JSON.`, error);
  }
  const { algorithm, key_id, signature, public_key } = value ?? {};
  if (
    algorithm !== 'ed25519' ||
    typeof key_id !== 'string' ||
    !/^[0-9a-f]{32}$/.test(key_id) ||
    typeof signature !== 'string' ||
    !/^[A-Za-z0-9+/]{86}==$/.test(signature) ||
    !(public_key === undefined || (typeof public_key === 'string' && publicKey.test(public_key)))
  )
    return fail(`${what} is no ed25519 signature; \`axon sign\` makes one.`);
  return { algorithm, key_id, signature, ...(public_key === undefined ? {} : { public_key }) };
}

/**
 * Whether the signature was compared with these very bytes, by the key that it carries: false where it carries
 * none. Throws SIGNATURE_INVALID where the two do not fit, so that a change is seen without the key at hand.
 */
export function fitsCarriedKey(manifestYaml: string, signature: string, what: string): boolean {
  const {
    key_id,
    signature: bytes,
    public_key,
  } = parseSignature(signature, `The signature of ${what}`);
  if (public_key === undefined) return false;
  const key = readPublicKey(
    `-----BEGIN PUBLIC KEY-----\n${public_key}\n-----END PUBLIC KEY-----\n`,
  );
  if (key?.id !== key_id)
    return fail(`The signature of ${what} names the key ${key_id} and carries another.`);
  if (!verify(null, Buffer.from(manifestYaml), key.key, Buffer.from(bytes, 'base64')))
    return fail(
      `${what}: the manifest is not the one that the key ${key_id} signed. Who means the change signs it again with \`axon sign\`, or removes manifest.yaml.sig.`,
    );
  return true;
}

/**
 * The key that signed these very bytes. Throws SIGNATURE_INVALID: not signed, by none of these keys, or
 * changed since.
 */
export function requireSigned(
  manifestYaml: string,
  signature: string | null,
  keys: readonly PublicKey[],
  what: string,
): PublicKey {
  if (signature === null)
    return fail(`${what} is not signed. Whoever made it signs it with \`axon sign\`.`);
  const parsed = parseSignature(signature, `The signature of ${what}`);
  const key = keys.find(({ id }) => id === parsed.key_id);
  if (key === undefined)
    return fail(
      `${what} is signed with the key ${parsed.key_id}, which is not among the trusted ones (${keys.map(({ id }) => id).join(', ') || 'none'}).`,
    );
  const bytes = Buffer.from(parsed.signature, 'base64');
  if (!verify(null, Buffer.from(manifestYaml), key.key, bytes))
    return fail(`${what}: the manifest is not the one that the key ${key.id} signed.`);
  return key;
}
