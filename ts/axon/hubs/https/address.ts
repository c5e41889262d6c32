import type { Context } from '../../context.ts';
import type { FetchedBytes, FileRequest } from '../../download/fetch-file.ts';
import type { HttpResponse } from '../../download/http.ts';
import type { ExpectedHash } from '../../download/options.ts';
import { probe } from '../../download/probe.ts';
import { type Stamp, stampOf } from '../../download/stamp.ts';
import { maxPackageBytes } from '../../package/names.ts';
import { statedHash } from '../stated-hash.ts';
import { httpStatusError } from '../status-error.ts';
import { AddressNotes } from './address-notes.ts';
import { withoutSecrets } from './secret-query.ts';

/** What a server says of what lies at an address. */
export interface Asked {
  readonly size: number | null;
  readonly expected: ExpectedHash | null;
  readonly stamp: Stamp;
  readonly response: HttpResponse;
}

/** Where a file lies, and what came from there before. */
export class Address {
  readonly #url: string;
  /** As it may be read: without its secrets. */
  readonly #plain: string;
  readonly #label: string;
  readonly #pinned: ExpectedHash | null;
  readonly #context: Context;
  readonly #notes: AddressNotes;

  constructor(url: URL, label: string, pinned: ExpectedHash | null, context: Context) {
    this.#url = url.href;
    this.#plain = withoutSecrets(url).href;
    this.#label = label;
    this.#pinned = pinned;
    this.#context = context;
    this.#notes = new AddressNotes(context.layout, this.#plain);
  }

  async ask(): Promise<Asked> {
    const spec = { url: this.#url, statusError: httpStatusError(this.#plain) };
    const { size, response } = await probe(spec, this.#context.download);
    const expected = this.#pinned ?? statedHash(response);
    return { size, expected, stamp: stampOf(response, size), response };
  }

  request({ size, expected }: Pick<Asked, 'size' | 'expected'>): Omit<FileRequest, 'dest'> {
    return {
      url: this.#url,
      label: this.#label,
      size,
      maxBytes: maxPackageBytes,
      expected,
      statusError: httpStatusError(this.#plain),
    };
  }

  /** The sha256 of what is there, if it came before and is not stated anyway. */
  known({ expected, stamp }: Asked): string | null {
    return expected?.algorithm === 'sha256' ? null : this.#notes.find(stamp);
  }

  /** `blobs`: the files that came of it. Without a hash, what was said with the very bytes is what counts. */
  came({ expected, stamp }: Asked, got: FetchedBytes, blobs: readonly string[]): void {
    this.#notes.write(got, expected === null ? got.stamp : stamp, blobs);
  }
}
