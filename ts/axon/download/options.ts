import type { Progress } from '../render/progress.ts';
import type { ProxyFor } from './proxy.ts';
import type { Slots } from './slots.ts';

/** What every request of the shared downloader is run with. */
export interface DownloadOptions {
  readonly maxRetries: number;
  readonly retryWaitMs: number;
  readonly stallMs: number;
  /** Shared by all that is fetched at one time. */
  readonly connections: Slots;
  /** A file of which more than `from` bytes are missing comes in ranges of about `piece`. */
  readonly ranges: { readonly from: number; readonly piece: number };
  readonly progress: Progress;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
  readonly proxyFor: ProxyFor;
}

/** Hashes that a source may state for a file before its bytes are there. */
export type HashAlgorithm =
  | 'sha256'
  | 'sha384'
  | 'sha512'
  | 'sha1'
  | 'git-sha1'
  | 'md5'
  | 'crc32c'
  | 'sha256-prefix';

export interface ExpectedHash {
  readonly algorithm: HashAlgorithm;
  /** Lower-case hex: the whole digest, or of `sha256-prefix` its first digits. */
  readonly hex: string;
}
