import { readFileSync } from 'node:fs';
import { MlosError } from '../../protocol/errors.ts';
import { type PublicKey, readPublicKey, requireSigned } from '../../protocol/signature.ts';

/** Whose packages may be registered, where the configuration asks for a signature. */
export class TrustedKeys {
  readonly #keys: readonly PublicKey[];

  private constructor(keys: readonly PublicKey[]) {
    this.#keys = keys;
  }

  /** Reads the key files once, at the start: who is trusted changes with the configuration, not later. */
  static load(files: readonly string[]): TrustedKeys {
    if (files.length === 0)
      throw new MlosError(
        'INVALID_ARGUMENT',
        'security.require_signatures is true, but security.trusted_keys names no key. `axon keygen` makes a pair.',
      );
    return new TrustedKeys(files.map(loadKey));
  }

  /** Throws SIGNATURE_INVALID unless one of the keys signed exactly this manifest. */
  require(manifestYaml: string, signature: string | null, what: string): void {
    requireSigned(manifestYaml, signature, this.#keys, what);
  }
}

function loadKey(file: string): PublicKey {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `security.trusted_keys: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}).`,
      { cause: error },
    );
  }
  const key = readPublicKey(pem);
  if (key !== null && !pem.includes('PRIVATE KEY')) return key;
  throw new MlosError(
    'INVALID_ARGUMENT',
    `security.trusted_keys: ${file} is no public ed25519 key in PEM.`,
  );
}
