import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../axon-error.ts';
import type { FileProgress } from '../render/progress.ts';
import { Digest } from './digest.ts';
import type { StatusError } from './fetch-json.ts';
import type { Credential, FollowRequest } from './follow.ts';
import type { DownloadOptions, ExpectedHash } from './options.ts';
import { Part, stampOfWhole } from './part.ts';
import { probe } from './probe.ts';
import { RunningHash } from './running-hash.ts';
import { isSame, isTelling, noStamp, type Stamp, stampOf } from './stamp.ts';
import { Transfer } from './transfer.ts';

/*
 * One file over HTTP, whole and verified or not at all.
 * 1. Bytes go to a part beside `dest`; the name `dest` appears by rename, after size and hash are right and the
 *    bytes are on disk.
 * 2. What an earlier run left is gone on with, and hashed again: disk is cheaper than network. Where no hash is
 *    stated, the source is asked whether it still has these bytes.
 * 3. Always the canonical URL is asked, never a signed one: those expire.
 * 4. A wrong hash costs one clean second try, then the error.
 * 5. A disk that is full gets back what was written; after any other failure the part stays.
 */
export interface FileRequest {
  readonly url: string;
  readonly dest: string;
  readonly label: string;
  readonly size: number | null;
  readonly maxBytes: number;
  readonly expected: ExpectedHash | null;
  /** Beside those that the downloader sends itself. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly credential?: Credential | null;
  readonly check?: FollowRequest['check'];
  readonly statusError: StatusError;
  /** Whether a web page may be what was asked for. */
  readonly allowMarkup?: boolean;
}

export interface FetchedBytes {
  readonly sha256: string;
  readonly size: number;
  /** What the source said of these very bytes; nothing where it stated their hash. */
  readonly stamp: Stamp;
}

type Judged = FetchedBytes & { readonly mismatch: string | null };

export async function hashFile(
  file: string,
  expected: ExpectedHash | null,
  signal: AbortSignal,
): Promise<Omit<Judged, 'stamp'>> {
  const digest = new Digest(expected, fs.statSync(file).size);
  for await (const chunk of fs.createReadStream(file, { signal, highWaterMark: 1 << 20 }))
    digest.update(chunk as Buffer);
  return { ...digest.finish(), size: digest.bytes };
}

/** What an earlier run finished, if it is still right. */
async function already(file: FileRequest, options: DownloadOptions): Promise<FetchedBytes | null> {
  if (!fs.existsSync(file.dest)) return null;
  const stamp = file.expected === null ? stampOfWhole(file) : noStamp;
  if (file.expected !== null || (await isUnchanged(file, stamp, options))) {
    const { mismatch, ...bytes } = await hashFile(file.dest, file.expected, options.signal);
    if (mismatch === null) return { ...bytes, stamp };
  }
  fs.rmSync(file.dest, { force: true });
  return null;
}

/** Whether the source still has the bytes that are here, whole: the answer to its first one says so. */
async function isUnchanged(
  file: FileRequest,
  stamp: Stamp,
  options: DownloadOptions,
): Promise<boolean> {
  if (!isTelling(stamp)) return false;
  const { size, response } = await probe(file, options);
  return isSame(stamp, stampOf(response, size));
}

export async function fetchFile(
  file: FileRequest,
  options: DownloadOptions,
): Promise<FetchedBytes> {
  fs.mkdirSync(path.dirname(file.dest), { recursive: true });
  const { label, size, expected } = file;
  const digest = expected?.algorithm === 'sha256' ? `sha256:${expected.hex}` : undefined;
  const shown = options.progress.file(label, size, digest);
  let whole = false;
  try {
    let got: FetchedBytes | Judged | null = await already(file, options);
    if (got !== null) shown.from(got.size, got.size);
    got ??= await once(file, options, shown);
    if ('mismatch' in got && got.mismatch !== null) got = await once(file, options, shown); // Rule 4
    if ('mismatch' in got && got.mismatch !== null) throw mismatchError(file, got.mismatch);
    whole = true;
    return { sha256: got.sha256, size: got.size, stamp: got.stamp };
  } finally {
    shown.end(whole);
  }
}

function mismatchError({ label }: FileRequest, mismatch: string): AxonError {
  return new AxonError(
    'CHECKSUM_MISMATCH',
    `${label}: the bytes are not what the source states (${mismatch}). Nothing was installed; try again later or tell the source.`,
    { details: { file: label, mismatch } },
  );
}

/** Until all bytes are there: finished when they are right, gone when they are wrong. */
async function once(
  file: FileRequest,
  options: DownloadOptions,
  shown: FileProgress,
): Promise<Judged> {
  const part = await Part.open(file);
  const hash = new RunningHash(part.handle, file.expected, file.size);
  try {
    if (part.isUnproven && !(await isUnchanged(file, part.stamp, options))) await part.restart();
    const { bytes, longer } = await new Transfer(file, { part, hash, shown }, options).run();
    const { sha256, mismatch } = await hash.finish(bytes);
    const wrong = longer ? `more than the ${bytes} bytes stated arrived` : mismatch;
    await (wrong === null ? part.finish() : part.discard());
    return { sha256, size: bytes, stamp: part.stamp, mismatch: wrong };
  } catch (error) {
    await hash.stop();
    const full = error instanceof AxonError && error.code === 'NO_SPACE';
    await (full ? part.discard() : part.close());
    throw error;
  }
}
