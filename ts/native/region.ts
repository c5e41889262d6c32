import { constants } from 'node:buffer';
import { requireFd, requireInteger } from './arguments.ts';
import { nativeBinding, type RegionHandle } from './binding.ts';
import { NativeError, translated } from './native-error.ts';

export interface RegionCreateOptions {
  /** 1 or more; the size is sealed at once. */
  readonly byteLength: number;
  /** Shows in /proc/<pid>/maps; at most 249 bytes. Nobody can open a region by it. */
  readonly name?: string;
  /**
   * Allocate every page now (the default), so that a lack of memory is an error here and not the
   * death of whoever touches the page. A region that is not populated is not accepted by fromFd
   * until each of its pages has been written.
   */
  readonly populate?: boolean;
}

export interface RegionFromFdOptions {
  /** The most bytes to accept. */
  readonly maxBytes: number;
  /**
   * Map for writing too. Such a region cannot be sealed against its other writers, so take one
   * only from the daemon.
   */
  readonly writable?: boolean;
}

/**
 * Memory shared between processes: a sealed memfd and its mapping. It has no name; who is to use
 * it is sent the descriptor.
 *
 * The memory lives until close() and the last native user are gone. close() detaches every view
 * (their length becomes 0), so no view can reach memory that is no longer there.
 */
export class Region {
  readonly #handle: RegionHandle;
  readonly byteLength: number;
  #closed = false;

  private constructor(handle: RegionHandle) {
    this.#handle = handle;
    this.byteLength = nativeBinding().regionByteLength(handle);
  }

  /** A new region, all zeros. */
  static create(options: RegionCreateOptions): Region {
    const { byteLength, name = 'mlos-region', populate = true } = options;
    requireInteger(byteLength, 'byteLength', { min: 1 });
    return translated(() => new Region(nativeBinding().regionCreate(byteLength, name, populate)));
  }

  /**
   * Takes over a descriptor that somebody else sent: from here on the region closes it, and it is
   * closed already when this throws (unless with INVALID_ARGUMENT).
   *
   * The descriptor is refused unless its size is sealed, its content is sealed too (`WRITE` or
   * `FUTURE_WRITE`; waived by `writable`), all of its pages are allocated and its size is within
   * `maxBytes`. Even then the sender may change the bytes through a mapping older than the seal:
   * copy what you validate, then validate the copy.
   *
   * Without `writable`, a store to a view stays in this process and is seen by nobody.
   */
  static fromFd(fd: number, options: RegionFromFdOptions): Region {
    const { maxBytes, writable = false } = options;
    requireFd(fd, 'fd');
    requireInteger(maxBytes, 'maxBytes', { min: 1 });
    return translated(() => new Region(nativeBinding().regionAdopt(fd, maxBytes, writable)));
  }

  /** The memfd's descriptor, for sending. The region stays its owner. */
  get fd(): number {
    this.#requireOpen();
    return translated(() => nativeBinding().regionFd(this.#handle));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The bytes [offset, offset + byteLength), not a copy. */
  view(offset = 0, byteLength = this.byteLength - offset): Uint8Array<ArrayBuffer> {
    this.#requireOpen();
    requireInteger(offset, 'offset', { min: 0, max: this.byteLength });
    requireInteger(byteLength, 'byteLength', { min: 0, max: this.byteLength - offset });
    if (this.byteLength > constants.MAX_LENGTH) {
      throw new NativeError(
        'REGION_TOO_LARGE',
        `this Node cannot show more than ${constants.MAX_LENGTH} bytes of a region`,
      );
    }
    const buffer = translated(() => nativeBinding().regionBuffer(this.#handle));
    return new Uint8Array(buffer, offset, byteLength);
  }

  /**
   * Takes the right to write away, for good. `"newcomers"` (the default): whoever has the region
   * mapped for writing keeps that, this region included, and nobody new gets it. `"everyone"`: the
   * content is fixed; EBUSY while another process still has it mapped for writing.
   */
  seal(against: 'newcomers' | 'everyone' = 'newcomers'): void {
    this.#requireOpen();
    translated(() => nativeBinding().regionSeal(this.#handle, against === 'everyone'));
  }

  /** Detaches the views and lets go of the memory. Closing twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    translated(() => nativeBinding().regionClose(this.#handle));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #requireOpen(): void {
    if (this.#closed) throw new NativeError('REGION_CLOSED', 'the region is closed');
  }
}
