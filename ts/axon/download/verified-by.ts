import type { VerifiedBy } from '../../protocol/manifest.ts';
import type { ExpectedHash } from './options.ts';

/** What the manifest records about how a downloaded file was checked. */
export function verifiedBy(expected: ExpectedHash | null): VerifiedBy {
  return expected?.algorithm ?? 'tofu';
}
