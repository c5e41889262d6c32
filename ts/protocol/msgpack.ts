import { Packr, Unpackr } from 'msgpackr';
import { MlosError } from './errors.ts';
import { scanMsgpack } from './msgpack-scan.ts';

/**
 * The IPC codec. `useRecords: false`: by default msgpackr writes a private extension that no other
 * reader knows. Decoding is guarded: the bytes are scanned first (depth, number of values, lengths
 * that lie, extension types), then decoded; a hostile frame costs no memory beyond its own size.
 */
const encoding = {
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  // As JSON does: a key without a value is left out. MessagePack has no undefined of its own. (The
  // option is documented, but missing from the typings.)
  skipValues: [undefined],
};
const packr = new Packr(encoding);
// 'auto' (numbers while they are exact, BigInt beyond) is documented but missing from the typings.
const unpackr = new Unpackr({
  useRecords: false,
  mapsAsObjects: true,
  int64AsType: 'auto' as 'bigint',
});

/** For a frame with a key `__proto__`: msgpackr renames it, and an input may have that very name. */
const mapUnpackr = new Unpackr({
  useRecords: false,
  mapsAsObjects: false,
  int64AsType: 'auto' as 'bigint',
});

/** Maps → objects whose keys are all own properties. Depth is bounded by the scan. */
function toObjects(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toObjects);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, inner]) => [key, toObjects(inner)]));
}

/** Value → msgpack bytes. The buffer is a fresh slice that the caller owns. */
export function encodeMsgpack(value: unknown): Buffer {
  return packr.pack(value);
}

/**
 * Msgpack bytes → value. Integers beyond ±2^53 come as BigInt. `bin` values are views into `bytes`.
 * Throws INVALID_FRAME.
 */
export function decodeMsgpack(bytes: Uint8Array): unknown {
  const mayHaveProto = scanMsgpack(bytes);
  try {
    return mayHaveProto ? toObjects(mapUnpackr.unpack(bytes)) : unpackr.unpack(bytes);
  } catch (error) {
    throw new MlosError('INVALID_FRAME', 'The frame is not msgpack.', { cause: error });
  }
}
