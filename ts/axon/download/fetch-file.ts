import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../axon-error.ts';
import { Attempt } from './attempt.ts';
import { Digest } from './digest.ts';
import type { StatusError } from './fetch-json.ts';
import type { Credential, FollowRequest } from './follow.ts';
import type { DownloadOptions, ExpectedHash } from './options.ts';
import { Retryable, withRetries } from './retry.ts';

/*
 * One file over HTTP, whole and verified or not at all.
 * 1. Bytes go to `<dest>.part`; the name `dest` appears by rename after size and hash are right.
 * 2. `<dest>.part.json` says what the part belongs to. A later run goes on only with the same url, size
 *    and hash; without a hash only with the same strong ETag (If-Range).
 * 3. What is there already is hashed again before it is continued: disk is cheaper than network.
 * 4. Always the canonical URL is asked, never a signed one: those expire.
 * 5. A wrong hash costs one clean second try, then the error.
 */
export interface FileRequest {
  readonly url: string;
  readonly dest: string;
  readonly label: string;
  readonly size: number | null;
  readonly maxBytes: number;
  readonly expected: ExpectedHash | null;
  readonly credential?: Credential | null;
  readonly check?: FollowRequest['check'];
  readonly statusError: StatusError;
  /** Whether a web page may be what was asked for. */
  readonly allowMarkup?: boolean;
}

export interface FetchedBytes {
  readonly sha256: string;
  readonly size: number;
}

export async function hashFile(
  file: string,
  expected: ExpectedHash | null,
  signal: AbortSignal,
): Promise<FetchedBytes & { readonly mismatch: string | null }> {
  const digest = new Digest(expected, fs.statSync(file).size);
  for await (const chunk of fs.createReadStream(file, { signal, highWaterMark: 1 << 20 }))
    digest.update(chunk as Buffer);
  return { ...digest.finish(), size: digest.bytes };
}

/** What an earlier run finished, if it is still right. */
async function already(file: FileRequest, signal: AbortSignal): Promise<FetchedBytes | null> {
  if (!fs.existsSync(file.dest)) return null;
  if (file.expected !== null) {
    const { mismatch, ...bytes } = await hashFile(file.dest, file.expected, signal);
    if (mismatch === null) return bytes;
  }
  fs.rmSync(file.dest, { force: true });
  return null;
}

export async function fetchFile(
  file: FileRequest,
  options: DownloadOptions,
): Promise<FetchedBytes> {
  fs.mkdirSync(path.dirname(file.dest), { recursive: true });
  const done = await already(file, options.signal);
  if (done !== null) return done;
  const shown = options.progress.file(file.label, file.size);
  let whole = false;
  try {
    let wrong: string | null = null;
    for (let clean = 0; clean < 2; clean++) {
      const result = await withRetries(options, (progressed) =>
        new Attempt(file, options, shown, progressed).run(),
      );
      whole = result.mismatch === null;
      if (whole) return result;
      wrong = result.mismatch; // Rule 5
    }
    throw new AxonError(
      'CHECKSUM_MISMATCH',
      `${file.label}: the bytes are not what the source states (${wrong}). Nothing was installed; try again later or tell the source.`,
      { details: { file: file.label, mismatch: wrong } },
    );
  } catch (error) {
    if (error instanceof Retryable) throw new AxonError('NETWORK', error.message, { cause: error });
    throw error;
  } finally {
    shown.end(whole);
  }
}
