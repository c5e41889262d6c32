/** CRC-32C (Castagnoli), which object stores state where they have no other hash. */
const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0);
  return value;
});

export class Crc32c {
  #state = 0xffffffff;

  update(chunk: Uint8Array): this {
    let state = this.#state;
    for (let at = 0; at < chunk.length; at++)
      state = (table[(state ^ (chunk[at] ?? 0)) & 0xff] ?? 0) ^ (state >>> 8);
    this.#state = state;
    return this;
  }

  digest(_encoding: 'hex'): string {
    return ((this.#state ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
  }
}
