/** What one buffer costs beside its bytes. */
const chunkBytes = 128;
/** Deflate makes no more of a byte. */
const deflateTimes = 1_032;
const headerBytes = 5;

/** A buffer keeps all of what it was read into: a byte of it may cost 64 KiB. */
function costOf(chunk: Buffer): number {
  const whole = chunk.buffer.byteLength;
  return chunkBytes + (chunk.byteLength * 4 >= whole ? chunk.byteLength : whole);
}

/**
 * The messages of one call as they arrive: gRPC's five bytes (a flag, a length), then the message. Says what
 * grpc-js holds of them, which reads the same bytes.
 */
export class IncomingMessage {
  readonly #maxMessageBytes: number;
  readonly #header = Buffer.alloc(headerBytes);
  #headerFilled = 0;
  #missing = 0;
  /** Of the message that is not whole. */
  #unfinished = 0;
  /** Of each that is whole and was not taken yet, inflated where it is compressed. */
  readonly #whole: number[] = [];

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  get isPartial(): boolean {
    return this.#headerFilled > 0;
  }

  get heldBytes(): number {
    return this.#whole.reduce((sum, bytes) => sum + bytes, this.#unfinished);
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#headerFilled < headerBytes) {
        const part = chunk.subarray(at, at + headerBytes - this.#headerFilled);
        part.copy(this.#header, this.#headerFilled);
        this.#headerFilled += part.byteLength;
        at += part.byteLength;
        if (this.#headerFilled < headerBytes) break;
        this.#missing = this.#header.readUInt32BE(1);
      }
      const bytes = Math.min(this.#missing, chunk.byteLength - at);
      this.#missing -= bytes;
      at += bytes;
      if (this.#missing > 0) break;
      this.#finish();
    }
    if (this.isPartial) this.#unfinished += costOf(chunk);
  }

  /** The first of the whole messages is its handler's now. */
  take(): void {
    this.#whole.shift();
  }

  #finish(): void {
    const length = this.#header.readUInt32BE(1);
    const isCompressed = this.#header.readUInt8(0) === 1;
    this.#whole.push(
      isCompressed ? Math.min(this.#maxMessageBytes, length * deflateTimes) : length,
    );
    this.#headerFilled = 0;
    this.#unfinished = 0;
  }
}
