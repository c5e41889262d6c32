import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { HeldPlace, SharedMemory, SharedMemoryPlace, SystemRegion } from './shared-memory.ts';
import { oipFail } from './status.ts';
import { shown } from './tensors.ts';

/**
 * POSIX shared memory of outside clients. Nothing is mapped: bytes are copied with pread and pwrite on a
 * descriptor that is kept, so that a client who truncates its region gets an error and nobody a SIGBUS.
 */
const folder = '/dev/shm';
/** Names of this daemon's and of the C library's own objects. */
const reservedPrefixes = ['mlos-', 'sem.', '.'];
const nameBytes = 255;
const openFlags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;

interface Region {
  readonly facts: SystemRegion;
  readonly fd: number;
  /** Requests that will write to it, and 1 while it is registered: the last one closes it. */
  users: number;
}

export class SystemSharedMemory implements SharedMemory {
  readonly enabled = true;
  readonly #regions = new Map<string, Region>();
  #bytes = 0;

  status(name: string): readonly SystemRegion[] {
    if (name !== '') return [this.#find(name).facts];
    return [...this.#regions.values()].map(({ facts }) => facts);
  }

  register(facts: SystemRegion): void {
    const { name, key, offset, byteSize } = facts;
    if (name === '' || Buffer.byteLength(name) > nameBytes) {
      oipFail(`A region must have a name of 1 to ${nameBytes} bytes.`);
    }
    if (!inBounds(offset, byteSize, Number.MAX_SAFE_INTEGER) || byteSize === 0) {
      oipFail(
        `Region ${shown(name)}: offset and byte_size must be whole numbers, byte_size 1 or more.`,
      );
    }
    if (this.#regions.has(name)) {
      throw new MlosError(
        'ALREADY_EXISTS',
        `The shared region ${shown(name)} is registered already; unregister it first.`,
      );
    }
    const isFull = this.#regions.size >= limits.sharedRegions;
    if (isFull || byteSize > limits.sharedRegionsBytes - this.#bytes) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `At most ${limits.sharedRegions} regions of ${limits.sharedRegionsBytes} bytes together are registered.`,
      );
    }
    const fd = openObject(key);
    try {
      checkObject(fd, key);
      checkEnd(fd, facts, offset + byteSize);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#regions.set(name, { facts, fd, users: 1 });
    this.#bytes += byteSize;
  }

  unregister(name: string): void {
    const names = name === '' ? [...this.#regions.keys()] : [name];
    for (const one of names) {
      const region = this.#regions.get(one);
      if (region === undefined) continue;
      this.#regions.delete(one);
      this.#release(region);
    }
  }

  read(place: SharedMemoryPlace): Uint8Array {
    const { facts, fd } = this.#find(place.region);
    const at = positionOf(facts, place);
    // Before the memory for it is taken.
    checkEnd(fd, facts, at + place.byteSize);
    const bytes = Buffer.allocUnsafe(place.byteSize);
    for (let done = 0; done < bytes.byteLength; ) {
      const count = readSync(fd, bytes, done, bytes.byteLength - done, at + done);
      if (count === 0) throw truncated(facts);
      done += count;
    }
    return bytes;
  }

  /** Checked before the request runs: an answer must not be lost for a wrong name. */
  hold(place: SharedMemoryPlace): HeldPlace {
    const region = this.#find(place.region);
    const { facts, fd } = region;
    const at = positionOf(facts, place);
    checkEnd(fd, facts, at + place.byteSize);
    region.users += 1;
    return {
      write: (bytes) => writeAt(region, place, at, bytes),
      release: () => this.#release(region),
    };
  }

  close(): void {
    this.unregister('');
  }

  #release(region: Region): void {
    region.users -= 1;
    if (region.users > 0) return;
    closeSync(region.fd);
    this.#bytes -= region.facts.byteSize;
  }

  #find(name: string): Region {
    const region = this.#regions.get(name);
    if (region !== undefined) return region;
    oipFail(`There is no shared region ${shown(name)}; register it first.`);
  }
}

function writeAt(
  { facts, fd }: Region,
  place: SharedMemoryPlace,
  at: number,
  bytes: Uint8Array,
): void {
  if (bytes.byteLength > place.byteSize) {
    oipFail(
      `An output of ${bytes.byteLength} bytes does not fit the ${place.byteSize} bytes of region ${shown(place.region)}.`,
    );
  }
  // Writing would make a truncated object larger again, which is not ours to do.
  checkEnd(fd, facts, at + bytes.byteLength);
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(fd, bytes, done, bytes.byteLength - done, at + done);
  }
}

/** No sum that could leave the safe integers. */
function inBounds(offset: number, size: number, all: number): boolean {
  const whole = [offset, size].every((value) => Number.isSafeInteger(value) && value >= 0);
  return whole && size <= all && offset <= all - size;
}

function positionOf(facts: SystemRegion, { region, offset, byteSize }: SharedMemoryPlace): number {
  if (inBounds(offset, byteSize, facts.byteSize)) return facts.offset + offset;
  oipFail(
    `${byteSize} bytes from byte ${offset} on are not in region ${shown(region)} of ${facts.byteSize} bytes.`,
  );
}

function truncated({ name, key }: SystemRegion): MlosError {
  return new MlosError(
    'INVALID_ARGUMENT',
    `The shared memory ${shown(key)} of region ${shown(name)} is smaller than what is asked of it.`,
  );
}

function checkEnd(fd: number, facts: SystemRegion, end: number): void {
  if (fstatSync(fd).size < end) throw truncated(facts);
}

function openObject(key: string): number {
  const name = key.startsWith('/') ? key.slice(1) : key;
  const isName = name !== '' && !/[/\0]/.test(name) && Buffer.byteLength(name) <= nameBytes;
  if (!isName || reservedPrefixes.some((prefix) => name.startsWith(prefix))) {
    oipFail(
      `The key ${shown(key)} must be the name of a POSIX shared-memory object, such as "/frames"; it has no other slash and does not begin with ${reservedPrefixes.join(', ')}.`,
    );
  }
  try {
    return openSync(`${folder}/${name}`, openFlags);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new MlosError(
      'INVALID_ARGUMENT',
      `The shared memory ${shown(key)} cannot be opened for reading and writing (${code}).`,
      { cause },
    );
  }
}

/** Of the open object, so that nothing can be put in its place between looking and using. */
function checkObject(fd: number, key: string): void {
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.nlink === 1 && stats.uid === process.getuid?.()) return;
  throw new MlosError(
    'PERMISSION_DENIED',
    `The shared memory ${shown(key)} is not a plain object of the user that the daemon runs as.`,
  );
}
