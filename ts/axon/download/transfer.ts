import path from 'node:path';
import { AxonError } from '../axon-error.ts';
import type { FileProgress } from '../render/progress.ts';
import { requireSpace } from '../store/space.ts';
import {
  endsAt,
  holdsPointer,
  Misplaced,
  type Place,
  placeOf,
  pointerError,
  refuseOther,
  tooLarge,
  type Wanted,
} from './answer.ts';
import { eachPiece } from './each-piece.ts';
import type { FileRequest } from './fetch-file.ts';
import { requireOk } from './fetch-json.ts';
import { follow } from './follow.ts';
import { asRetryable, type HttpResponse } from './http.ts';
import { inParallel } from './in-parallel.ts';
import type { DownloadOptions } from './options.ts';
import type { Part } from './part.ts';
import { isDiskError, Pump } from './pump.ts';
import { refusedLink } from './refused-link.ts';
import { Retryable, withRetries } from './retry.ts';
import type { RunningHash } from './running-hash.ts';
import type { Span } from './spans.ts';
import { requireFewChanges, stampOf } from './stamp.ts';

/** So much progress makes a later failure a first one again. */
const progressBytes = 1024 * 1024;
/** Asked for alone first: whether the server knows ranges shows in its answer. */
const probeBytes = 1024 * 1024;
const mostPieces = 64;
/** After so many wrong parts a server is asked for the whole. */
const mostMisplaced = 2;

/** The server sent the whole file where a part was asked for. */
class NotRanged extends Error {}

/**
 * Brings what is missing of one file into its part. Large files whose hash is stated come in ranges over
 * several connections; a range that fails is asked for again alone. All others, and those of servers that
 * know no ranges, come in order.
 */
export class Transfer {
  readonly #file: FileRequest;
  readonly #part: Part;
  readonly #hash: RunningHash;
  readonly #options: DownloadOptions;
  readonly #shown: FileProgress;
  #size: number | null;
  #misplaced = 0;
  #changes = 0;
  #refusedLinks = 0;
  #inPieces = false;
  #ended = false;
  /** More bytes came than there may be. */
  #longer = false;

  constructor(
    file: FileRequest,
    parts: { readonly part: Part; readonly hash: RunningHash; readonly shown: FileProgress },
    options: DownloadOptions,
  ) {
    this.#file = file;
    this.#part = parts.part;
    this.#hash = parts.hash;
    this.#shown = parts.shown;
    this.#options = options;
    this.#size = file.size;
  }

  /** Gives the number of bytes that are there then, and whether more were sent. */
  async run(): Promise<{ readonly bytes: number; readonly longer: boolean }> {
    this.#shown.from(this.#part.bytes, this.#size);
    this.#hash.follow(this.#part.frontier);
    if (this.#rangesPay()) {
      try {
        await this.#inRanges(this.#size ?? 0);
      } catch (error) {
        if (!(error instanceof NotRanged)) throw error;
        this.#inPieces = false;
      }
    }
    if (!this.#done) {
      await this.#part.endRanges();
      await this.#inOrder();
    }
    return { bytes: this.#part.frontier, longer: this.#longer };
  }

  get #done(): boolean {
    return this.#ended || this.#part.frontier === this.#size;
  }

  #rangesPay(): boolean {
    const { expected } = this.#file;
    const { connections, ranges } = this.#options;
    const { bytes, frontier } = this.#part;
    // Ranges of an earlier run are not given up for what little is missing.
    if (bytes > frontier && this.#size !== null) return true;
    const missing = (this.#size ?? 0) - bytes;
    return expected !== null && connections.count > 1 && missing > ranges.from;
  }

  async #inRanges(size: number): Promise<void> {
    const whole = { start: 0, end: size };
    const { connections, signal, ranges } = this.#options;
    const [probe] = this.#part.gaps(whole, Math.min(probeBytes, ranges.piece));
    if (probe !== undefined) await this.#span(probe, this.#options);
    this.#inPieces = true;
    this.#part.beginRanges();
    const piece = Math.max(ranges.piece, Math.ceil(size / mostPieces));
    await inParallel(
      this.#part.gaps(whole, piece),
      { count: connections.count, signal },
      (span, stop) => this.#span(span, { ...this.#options, signal: stop }),
    );
  }

  /** One span, with as many requests as it takes. */
  async #span(span: Span, options: DownloadOptions): Promise<void> {
    const missing = () => this.#part.gaps(span)[0] ?? null;
    while (missing() !== null) {
      await this.#try(missing, options, () => {
        throw new NotRanged();
      });
    }
  }

  async #inOrder(): Promise<void> {
    const rest = () => (this.#done ? null : { start: this.#part.frontier, end: null });
    while (!this.#done) {
      await this.#try(rest, this.#options, (error) => {
        if (this.#misplaced > mostMisplaced) throw error;
      });
    }
  }

  /** Asks until something came; what is missing is less each time. */
  async #try(
    missing: () => Wanted | null,
    options: DownloadOptions,
    distrust: (error: Misplaced) => void,
  ): Promise<void> {
    try {
      await withRetries(options, (progressed) =>
        options.connections.use(() => this.#ask(missing(), options, progressed)),
      );
    } catch (error) {
      if (!(error instanceof Misplaced)) throw error;
      this.#misplaced += 1;
      if (this.#misplaced >= mostMisplaced) distrust(error);
    }
  }

  /** One request, and what comes of it into the part. */
  async #ask(
    wanted: Wanted | null,
    options: DownloadOptions,
    progressed: () => void,
  ): Promise<void> {
    options.signal.throwIfAborted();
    if (wanted === null) return; // The try before broke behind the last byte.
    const { url, credential = null, check } = this.#file;
    const headers = { ...this.#file.headers, ...this.#rangeHeaders(wanted) };
    const response = await follow({ url, credential, headers, ...(check && { check }) }, options);
    try {
      await this.#accept(response, wanted, progressed);
    } finally {
      response.body.destroy();
    }
  }

  async #accept(
    response: HttpResponse,
    { start: from, end: to }: Wanted,
    progressed: () => void,
  ): Promise<void> {
    if (endsAt(response, from) && from === (this.#file.size ?? from)) {
      this.#ended = true;
      return;
    }
    await this.#judge(response);
    const place = placeOf(response, from, this.#file.size);
    if (place.start > 0 && this.#part.isOther(stampOf(response, place.total))) {
      // What is here is of a file that is no more: the new one is not joined to it.
      this.#changes += 1;
      requireFewChanges(this.#changes, response.url.host, this.#file.label);
      return this.#restart();
    }
    // The probe got all of the file instead: that is then taken, in order.
    const all = to !== null && (place.end === null || place.end > to);
    if (all && this.#inPieces) throw new NotRanged();
    const until = all ? null : to;
    if (place.start === 0 && from > 0) await this.#restart();
    this.#announce(response, place);
    const got = await this.#receive(response, { start: place.start, end: until }, progressed);
    await this.#judgeEnd(response, got, Math.min(place.end ?? Infinity, until ?? Infinity));
  }

  #rangeHeaders({ start: from, end: to }: Wanted): Record<string, string> {
    const plain = this.#misplaced >= mostMisplaced || (from === 0 && to === null);
    if (plain) return {};
    const { etag } = this.#part;
    return {
      range: `bytes=${from}-${to === null ? '' : to - 1}`,
      ...(etag === null ? {} : { 'if-range': etag }),
    };
  }

  async #judge(response: HttpResponse): Promise<void> {
    if (response.status === 416) throw new Misplaced(response.url.host);
    if (response.status === 403 && response.url.origin !== new URL(this.#file.url).origin) {
      this.#refusedLinks += 1;
      throw await refusedLink(response, this.#file, this.#refusedLinks);
    }
    await requireOk(response, this.#file.statusError);
    await refuseOther(response, this.#file);
  }

  #announce(response: HttpResponse, { start, total }: Place): void {
    const { maxBytes, label, dest } = this.#file;
    this.#size = total;
    if ((total ?? 0) > maxBytes) throw tooLarge(label, maxBytes);
    requireSpace(path.dirname(dest), (total ?? start) - start);
    if (start === this.#part.frontier && start === this.#part.bytes)
      this.#part.belongsTo(stampOf(response, total));
    this.#shown.from(this.#part.bytes, total);
  }

  async #restart(): Promise<void> {
    await this.#part.restart();
    await this.#hash.restart();
  }

  /** Writes the body where it belongs; gives where it ended. */
  async #receive(response: HttpResponse, to: Wanted, progressed: () => void): Promise<number> {
    const pump = new Pump(to.start, this.#size, async (chunks, at) => {
      await this.#part.write(chunks, at);
      this.#hash.follow(this.#part.frontier);
      this.#shown.at(this.#part.bytes);
    });
    try {
      try {
        return await this.#pour(response, to, pump, progressed);
      } finally {
        await pump.flush();
      }
    } catch (error) {
      throw isDiskError(error) ? AxonError.from(error) : asRetryable(error, response.url);
    }
  }

  async #pour(
    response: HttpResponse,
    { start, end }: Wanted,
    pump: Pump,
    progressed: () => void,
  ): Promise<number> {
    const { maxBytes, label } = this.#file;
    const most = end ?? this.#size ?? maxBytes;
    let at = start;
    await eachPiece(response.body, (piece) => {
      const fits = piece.subarray(0, most - at);
      this.#hash.take(fits, at);
      at += fits.length;
      if (at - start >= progressBytes) progressed();
      const room = pump.add(fits);
      if (fits.length === piece.length) return room;
      if (this.#size === null) throw tooLarge(label, maxBytes);
      this.#longer ||= end === null;
      return false;
    });
    return at;
  }

  /** Whether the body ended where it had to. */
  async #judgeEnd(response: HttpResponse, got: number, end: number): Promise<void> {
    const due = Math.min(end, this.#size ?? Infinity);
    if (due === Infinity) this.#ended = true;
    if (due === Infinity || got >= due) return;
    if (await holdsPointer(this.#part.handle, got)) {
      await this.#restart();
      throw pointerError(this.#file.label);
    }
    throw new Retryable(
      `${response.url.host} ended ${this.#file.label} after ${got} of ${due} bytes`,
    );
  }
}
