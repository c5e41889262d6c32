import { MlosError } from '../protocol/errors.ts';
import { channelLayout } from './channel-layout.ts';
import { NativeError } from './native-error.ts';

export { errorCodeOfStatus, statusOfErrorCode } from './status-code.ts';

/** What the daemon and an engine say to each other; control_message.h says what each means. */
export const controlKinds = [
  'startEngine',
  'openChannel',
  'activateChannel',
  'closeChannel',
  'channelGone',
] as const;
export type ControlKind = (typeof controlKinds)[number];

/** One message of the engine's control socket (SEQPACKET). Numbers are unsigned. */
export interface ControlMessage {
  readonly kind: ControlKind;
  /** An answer to the message with the same sequence. */
  readonly isReply: boolean;
  /** 32 bits; 0 in channelGone. */
  readonly sequence: number;
  /** At most 2^53 − 1. */
  readonly channelId: number;
  /** openChannel: the model's handle. startEngine: the spin budget in microseconds. */
  readonly argument: number;
  /** openChannel: the most urgent priority (`channelLayout().priorities`). closeChannel: a StatusCode. */
  readonly argument2: number;
  /** A StatusCode (`errorCodeOfStatus`), in replies. */
  readonly status: number;
  /** For people; cut to 216 bytes of UTF-8. */
  readonly text: string;
}

function requireUint32(value: number, name: string): number {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff) return value;
  throw new NativeError('INVALID_ARGUMENT', `${name} must be an unsigned 32-bit number`);
}

/** The bytes of a message. What is not given is 0, "" and false. */
export function encodeControl(
  message: Pick<ControlMessage, 'kind'> & Partial<ControlMessage>,
): Uint8Array {
  const { controlMessage: at, controlKinds: kinds } = channelLayout();
  const kind = kinds[message.kind];
  const channelId = message.channelId ?? 0;
  if (kind === undefined) {
    throw new NativeError('INVALID_ARGUMENT', `${message.kind} is no kind of control message`);
  }
  if (!Number.isSafeInteger(channelId) || channelId < 0) {
    throw new NativeError('INVALID_ARGUMENT', 'channelId must be a whole number');
  }
  const bytes = new Uint8Array(at.byteLength);
  const view = new DataView(bytes.buffer);
  const put = (offset: number, value: number | undefined, name: string) =>
    view.setUint32(offset, requireUint32(value ?? 0, name), true);
  put(at.kind, message.isReply === true ? kind + at.replyBit : kind, 'kind');
  put(at.sequence, message.sequence, 'sequence');
  view.setBigUint64(at.channelId, BigInt(channelId), true);
  put(at.argument, message.argument, 'argument');
  put(at.argument2, message.argument2, 'argument2');
  put(at.status, message.status, 'status');
  // Cuts between characters, never inside one.
  const text = bytes.subarray(at.text, at.text + at.textBytes);
  put(at.textLength, new TextEncoder().encodeInto(message.text ?? '', text).written, 'text');
  return bytes;
}

/**
 * Reads what the other side sent; a plugin may be hostile, so every field is checked.
 * @throws MlosError `INVALID_FRAME`
 */
export function decodeControl(bytes: Uint8Array): ControlMessage {
  const { controlMessage: at, controlKinds: kinds } = channelLayout();
  const invalid = (what: string) =>
    new MlosError('INVALID_FRAME', `A control message of the engine ${what}.`);
  if (bytes.byteLength !== at.byteLength) {
    throw invalid(`has ${bytes.byteLength} bytes instead of ${at.byteLength}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (offset: number) => view.getUint32(offset, true);
  const number = word(at.kind);
  const isReply = number >= at.replyBit;
  const kind = controlKinds.find(
    (name) => kinds[name] === (isReply ? number - at.replyBit : number),
  );
  if (kind === undefined) throw invalid(`is of the unknown kind ${number}`);
  const channelId = view.getBigUint64(at.channelId, true);
  if (channelId > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid('names an impossible channel');
  const textLength = word(at.textLength);
  if (textLength > at.textBytes) throw invalid(`claims ${textLength} bytes of text`);
  return {
    kind,
    isReply,
    sequence: word(at.sequence),
    channelId: Number(channelId),
    argument: word(at.argument),
    argument2: word(at.argument2),
    status: word(at.status),
    text: new TextDecoder().decode(bytes.subarray(at.text, at.text + textLength)),
  };
}
