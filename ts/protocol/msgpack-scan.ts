import { MlosError } from './errors.ts';
import { limits } from './limits.ts';

/**
 * Walks msgpack bytes without building anything and throws INVALID_FRAME unless they are exactly one
 * well-formed value within the limits. Rules, each against an attack that kills ordinary decoders:
 *
 * 1. A container's declared length counts against the budget of values before any of it is read, so
 *    `array32` of 4 billion costs nothing.
 * 2. Depth is bounded; the walk itself keeps an explicit stack and cannot overflow.
 * 3. Every length is checked against the bytes that are there.
 * 4. Extension types are refused: our contract has none, and decoders give them private meanings.
 * 5. Map keys are strings; nothing follows the value.
 *
 * Format bytes: the MessagePack specification.
 */
function fail(why: string): never {
  throw new MlosError('INVALID_FRAME', `The frame is refused: ${why}.`);
}

/** Fixed payload of the formats 0xc0 … 0xdf that have one; containers, bin and str are apart. */
const fixedPayload: Readonly<Record<number, number>> = {
  192: 0,
  194: 0,
  195: 0,
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
};

/** Formats with a length field: width of the field in bytes and what it counts. */
const sized: Readonly<Record<number, readonly [number, 'bytes' | 'string' | 'array' | 'map']>> = {
  196: [1, 'bytes'],
  197: [2, 'bytes'],
  198: [4, 'bytes'],
  217: [1, 'string'],
  218: [2, 'string'],
  219: [4, 'string'],
  220: [2, 'array'],
  221: [4, 'array'],
  222: [2, 'map'],
  223: [4, 'map'],
};

interface Head {
  readonly kind: 'scalar' | 'string' | 'array' | 'map';
  /** Entries of a container. */
  readonly count: number;
  /** Offset of the first byte after the head and, for scalars, the payload. */
  readonly next: number;
}

function readLength(bytes: Uint8Array, offset: number, width: number): number {
  if (offset + width > bytes.length) fail('it ends within a length field');
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[offset + i] ?? 0);
  return value;
}

function payload(bytes: Uint8Array, start: number, length: number, kind: Head['kind']): Head {
  if (length > bytes.length - start) {
    fail(`a value of ${length} bytes is announced, but ${bytes.length - start} are left`);
  }
  return { kind, count: 0, next: start + length };
}

function readHead(bytes: Uint8Array, offset: number): Head {
  const format = bytes[offset];
  if (format === undefined) return fail('it ends where a value should be');
  const next = offset + 1;
  if (format <= 0x7f || format >= 0xe0) return { kind: 'scalar', count: 0, next };
  if (format <= 0x8f) return { kind: 'map', count: format & 0x0f, next };
  if (format <= 0x9f) return { kind: 'array', count: format & 0x0f, next };
  if (format <= 0xbf) return payload(bytes, next, format & 0x1f, 'string');
  const fixed = fixedPayload[format];
  if (fixed !== undefined) return payload(bytes, next, fixed, 'scalar');
  const entry = sized[format];
  if (entry === undefined)
    return fail(
      `format byte 0x${format.toString(16)} (extension types are not part of the protocol)`,
    );
  const [width, what] = entry;
  const length = readLength(bytes, next, width);
  if (what === 'bytes') return payload(bytes, next + width, length, 'scalar');
  if (what === 'string') return payload(bytes, next + width, length, 'string');
  return { kind: what, count: length, next: next + width };
}

/** The containers that are open, innermost last: values still to come, and whether it is a map. */
class OpenContainers {
  readonly #left: number[] = [];
  readonly #isMap: boolean[] = [];
  #budget: number = limits.msgpackNodes;

  get empty(): boolean {
    return this.#left.length === 0;
  }

  /** Counts one value against the innermost container. In a map every other one is a key. */
  countValue(kind: Head['kind']): void {
    const top = this.#left.length - 1;
    if (top < 0) return;
    const left = this.#left[top] ?? 0;
    if (this.#isMap[top] === true && left % 2 === 0 && kind !== 'string') {
      fail('a map key is not a string');
    }
    this.#left[top] = left - 1;
  }

  open(head: Head, bytesLeft: number): void {
    const values = head.kind === 'map' ? head.count * 2 : head.count;
    this.#budget -= values;
    if (this.#budget < 0) fail(`more than ${limits.msgpackNodes} values`);
    if (values > bytesLeft) fail('a container announces more values than bytes are left');
    if (this.#left.length >= limits.msgpackDepth) {
      fail(`nested deeper than ${limits.msgpackDepth}`);
    }
    this.#left.push(values);
    this.#isMap.push(head.kind === 'map');
  }

  closeFinished(): void {
    while (this.#left.length > 0 && this.#left[this.#left.length - 1] === 0) {
      this.#left.pop();
      this.#isMap.pop();
    }
  }
}

const underscore = 0x5f;
const protoLength = '__proto__'.length;
/** Heads of a string are 1 to 5 bytes long. */
const longestStringHead = 5;

/** May the string that ends at `next` be `__proto__`? Some others pass, too: the answer is a hint. */
function looksLikeProto(bytes: Uint8Array, offset: number, next: number): boolean {
  const head = next - offset - protoLength;
  return (
    head > 0 &&
    head <= longestStringHead &&
    bytes[next - 1] === underscore &&
    bytes[next - protoLength] === underscore
  );
}

/**
 * Throws INVALID_FRAME unless `bytes` is exactly one value within the limits. The result: whether a
 * string in it may be `__proto__`, which needs a more careful decoder.
 */
export function scanMsgpack(bytes: Uint8Array): boolean {
  const containers = new OpenContainers();
  let offset = 0;
  let proto = false;
  do {
    const head = readHead(bytes, offset);
    if (head.kind === 'string' && looksLikeProto(bytes, offset, head.next)) proto = true;
    offset = head.next;
    containers.countValue(head.kind);
    if (head.kind === 'array' || head.kind === 'map') {
      containers.open(head, bytes.length - offset);
    }
    containers.closeFinished();
  } while (!containers.empty);
  if (offset !== bytes.length) fail(`${bytes.length - offset} bytes follow the value`);
  return proto;
}
