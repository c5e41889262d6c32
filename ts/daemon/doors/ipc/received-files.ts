import { closeSync, readSync } from 'node:fs';
import { memfdCheck } from '../../../native/memfd-check.ts';
import { toNativeError } from '../../../native/native-error.ts';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { RequestFiles } from '../../request-context.ts';
import type { ByteBudget } from '../byte-budget.ts';

/**
 * The descriptors that came with one frame, from the moment they are there until its request is
 * answered. Closing is idempotent and certain; a number that is closed may mean another file a moment
 * later, so nothing is read after it.
 */
export class ReceivedFiles implements RequestFiles {
  /** Why the request of this frame cannot be run; its descriptors are closed already. */
  readonly refusal: MlosError | null;
  readonly #budget: ByteBudget;
  readonly #sizes = new Map<number, number>();
  #fds: readonly number[];
  #closed = false;

  /** Takes over `fds`. `budget` counts those that all connections hold together. */
  constructor(fds: readonly number[], budget: ByteBudget) {
    this.#budget = budget;
    this.#fds = fds;
    if (budget.take(fds.length)) {
      this.refusal = null;
      return;
    }
    this.refusal = new MlosError(
      'TOO_MANY_REQUESTS',
      'Too many descriptors came with requests that are not answered yet; try again later.',
    );
    this.#closed = true;
    for (const fd of fds) closeSync(fd);
    this.#fds = [];
  }

  get count(): number {
    return this.#fds.length;
  }

  read(index: number, offset: number, length: number): Uint8Array {
    const fd = this.#fds[index];
    if (this.#closed) throw new MlosError('CANCELLED', 'The request is over.');
    if (fd === undefined) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `memfd.index is ${index}, but ${this.count} descriptor(s) came with the request, counted from 0.`,
      );
    }
    const size = this.#sizeOf(index, fd);
    if (offset + length > size) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `memfd ${index} has ${size} bytes, but ${length} from ${offset} on are asked for.`,
      );
    }
    // A buffer of its own: elements are read as wide numbers and have to be aligned.
    const target = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const got = readSync(fd, target, done, length - done, offset + done);
      if (got === 0) throw new MlosError('INVALID_ARGUMENT', `memfd ${index} ended early.`);
      done += got;
    }
    return target;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#budget.give(this.#fds.length);
    for (const fd of this.#fds) closeSync(fd);
    this.#fds = [];
  }

  #sizeOf(index: number, fd: number): number {
    const known = this.#sizes.get(index);
    if (known !== undefined) return known;
    try {
      const size = memfdCheck(fd, limits.ipcMemfdBytes);
      this.#sizes.set(index, size);
      return size;
    } catch (thrown) {
      const { message } = toNativeError(thrown);
      throw new MlosError('INVALID_ARGUMENT', `memfd ${index} is not taken: ${message}.`);
    }
  }
}
