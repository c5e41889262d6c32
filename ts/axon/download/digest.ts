import { createHash } from 'node:crypto';
import { Crc32c } from './crc32c.ts';
import type { ExpectedHash } from './options.ts';

interface RunningHash {
  update(chunk: Uint8Array): unknown;
  digest(encoding: 'hex'): string;
}

/** Runs sha256 (always) and the hash that the source stated over the same bytes. */
export class Digest {
  readonly #sha256 = createHash('sha256');
  readonly #other: RunningHash | null;
  readonly #expected: ExpectedHash | null;
  bytes = 0;

  /** `size` is needed for git's blob hash, which begins with the length. */
  constructor(expected: ExpectedHash | null, size: number | null) {
    this.#expected = expected;
    if (expected === null || expected.algorithm.startsWith('sha256')) this.#other = null;
    else if (expected.algorithm === 'git-sha1') {
      if (size === null) throw new Error('a git blob hash needs the size beforehand');
      this.#other = createHash('sha1').update(`blob ${size}\0`);
    } else if (expected.algorithm === 'crc32c') this.#other = new Crc32c();
    else this.#other = createHash(expected.algorithm);
  }

  update(chunk: Uint8Array): void {
    this.bytes += chunk.byteLength;
    this.#sha256.update(chunk);
    this.#other?.update(chunk);
  }

  /** Ends the digest: sha256, and what was expected but not met (null when all is well). */
  finish(): { readonly sha256: string; readonly mismatch: string | null } {
    const sha256 = this.#sha256.digest('hex');
    if (this.#expected === null) return { sha256, mismatch: null };
    const got = this.#other === null ? sha256 : this.#other.digest('hex');
    const { algorithm, hex } = this.#expected;
    const met = algorithm === 'sha256-prefix' ? got.startsWith(hex) : got === hex;
    return {
      sha256,
      mismatch: met ? null : `${algorithm} ${hex} was stated, ${got} arrived`,
    };
  }
}
