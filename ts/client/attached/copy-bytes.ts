/**
 * Private copies of tensors' bytes. A buffer of its own costs far more than the bytes of a small
 * tensor, so small ones share one, as Node's own Buffers do.
 */
const slabBytes = 16 * 1024;
const maxShared = 1024;
/** Suits every element type, and vector loads. */
const alignment = 16;

let slab = new ArrayBuffer(slabBytes);
let used = 0;

export function copyBytes(bytes: Uint8Array): Uint8Array {
  const { byteLength } = bytes;
  if (byteLength > maxShared) return bytes.slice();
  if (used + byteLength > slabBytes) {
    slab = new ArrayBuffer(slabBytes);
    used = 0;
  }
  const copy = new Uint8Array(slab, used, byteLength);
  used += (byteLength + alignment - 1) & -alignment;
  copy.set(bytes);
  return copy;
}
