import type { Type } from 'protobufjs';
import { malformed, scanMessage } from './message-scan.ts';
import { messageOf, plainOf } from './plain-message.ts';

/** Bytes of a message → what an operation takes. Tensors stay views of the bytes. */
export function decodeMessage(type: Type, bytes: Uint8Array): Record<string, unknown> {
  scanMessage(type, bytes);
  try {
    return plainOf(type, type.decode(bytes));
  } catch (cause) {
    throw malformed(type, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

export function encodeMessage(type: Type, plain: object): Buffer {
  // In Node the writer makes a Buffer, which grpc-js copies from.
  return type.encode(messageOf(type, plain)).finish() as Buffer;
}
